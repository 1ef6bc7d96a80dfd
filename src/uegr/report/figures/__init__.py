"""Figures: each file makes the charts of one subject from groups of runs; `catalogue` lists the files."""
