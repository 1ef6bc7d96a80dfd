"""UEGR: fine-tune language models so that they are accurate and hard to fool (arXiv 2503.16550)."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from uegr.errors import TrainingError, UegrError, UsageError

if TYPE_CHECKING:
    from uegr.methods.method import Method
    from uegr.methods.registry import METHODS, UEGR, create_method
    from uegr.modeling.model_check import Check, check
    from uegr.training.trainer import UEGRTrainer

__version__ = "0.1.0"

_LAZY = {
    "METHODS": "uegr.methods.registry",
    "UEGR": "uegr.methods.registry",
    "Check": "uegr.modeling.model_check",
    "Method": "uegr.methods.method",
    "UEGRTrainer": "uegr.training.trainer",
    "check": "uegr.modeling.model_check",
    "create_method": "uegr.methods.registry",
}
"""Public name -> its module. A module is imported when one of its names is first used: `uegr --help` needs no torch."""

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
    """Import a public name from its module."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'uegr' has no attribute '{name}'")
