"""UEGR: fine-tune language models so that they are accurate and hard to fool (arXiv 2503.16550)."""

from typing import TYPE_CHECKING, Any

from uegr.errors import TrainingError, UegrError, UsageError
from uegr.methods.method import Method
from uegr.methods.registry import METHODS, UEGR, create_method
from uegr.modeling.model_check import Check, check

if TYPE_CHECKING:
    from uegr.training.trainer import UEGRTrainer

__version__ = "0.1.0"

__all__ = [
    "METHODS",
    "UEGR",
    "Check",
    "Method",
    "TrainingError",
    "UEGRTrainer",
    "UegrError",
    "UsageError",
    "check",
    "create_method",
]


def __getattr__(name: str) -> Any:
    """Load the Trainer door only when somebody goes through it: it imports all of transformers' Trainer."""
    if name == "UEGRTrainer":
        from uegr.training.trainer import UEGRTrainer

        return UEGRTrainer
    raise AttributeError(f"module 'uegr' has no attribute '{name}'")
