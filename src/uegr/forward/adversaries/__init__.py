"""Adversaries: exchangeable parts of a forward stage that make a batch harder."""
