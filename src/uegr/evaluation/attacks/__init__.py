"""Attacks, one a file: perturbations of the embeddings in a ball, and rewritten text."""
