"""UEGR: fine-tune language models so that they are accurate and hard to fool (arXiv 2503.16550)."""

from uegr.errors import TrainingError, UegrError, UsageError
from uegr.method import Method
from uegr.methods import METHODS, UEGR, create_method

__version__ = "0.1.0"

__all__ = [
    "METHODS",
    "UEGR",
    "Method",
    "TrainingError",
    "UegrError",
    "UsageError",
    "create_method",
]
