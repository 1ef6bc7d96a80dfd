"""The experiments of the result pages: grids, their results, and what builds the pages from them. See README.md."""
