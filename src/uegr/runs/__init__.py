"""A run on disk: its folder, its files, and what can be done with it."""
