"""What people look at: figures, and the page that shows them with the table of the runs."""
