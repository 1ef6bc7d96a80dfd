"""What people look at: results.json, tables, figures and the page."""
