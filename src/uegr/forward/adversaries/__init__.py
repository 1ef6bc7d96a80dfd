"""Adversaries: parts of a forward stage that make a batch harder, and that can be exchanged."""
