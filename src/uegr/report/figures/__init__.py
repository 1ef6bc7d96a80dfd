"""Figures: one file a figure. Each turns groups of runs into a `Chart`, or into nothing without its numbers."""
