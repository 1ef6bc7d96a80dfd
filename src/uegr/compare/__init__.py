"""Comparisons: a grid of methods x tasks x models x seeds, trained and measured cell by cell."""
