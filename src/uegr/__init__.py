"""UEGR: fine-tune language models so that they are accurate and hard to fool (arXiv 2503.16550).

Everything below is loaded when it is first used, so that `import uegr` is cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from uegr.errors import TrainingError, UegrError, UsageError

if TYPE_CHECKING:
    from uegr.evaluation import attacks as attacks
    from uegr.evaluation.evaluation_report import EvaluationReport as EvaluationReport
    from uegr.evaluation.evaluator import evaluate as evaluate
    from uegr.methods.method import Method as Method
    from uegr.methods.method_config import MethodConfig as MethodConfig
    from uegr.methods.method_lookup import METHODS as METHODS
    from uegr.methods.method_lookup import make_config as make_config
    from uegr.methods.registry import *  # noqa: F403
    from uegr.modeling.model_check import check as check
    from uegr.training.trainer import RobustTrainerMixin as RobustTrainerMixin
    from uegr.training.trainer import UEGRTrainer as UEGRTrainer

__version__ = "0.1.0"

_CONFIGS = (
    "ChildTuningDConfig",
    "ChildTuningFConfig",
    "FGMConfig",
    "FreeLBConfig",
    "L2SPConfig",
    "MixoutConfig",
    "NEFTuneConfig",
    "PGDConfig",
    "PlainConfig",
    "R3FConfig",
    "RDropConfig",
    "ROSEFirstConfig",
    "ROSESecondConfig",
    "RoASTConfig",
    "SAMConfig",
    "SMARTConfig",
    "UEGRConfig",
)
_HOMES = {
    **dict.fromkeys(_CONFIGS, "uegr.methods.registry"),
    "METHODS": "uegr.methods.method_lookup",
    "EvaluationReport": "uegr.evaluation.evaluation_report",
    "Method": "uegr.methods.method",
    "MethodConfig": "uegr.methods.method_config",
    "RobustTrainerMixin": "uegr.training.trainer",
    "UEGRTrainer": "uegr.training.trainer",
    "check": "uegr.modeling.model_check",
    "evaluate": "uegr.evaluation.evaluator",
    "make_config": "uegr.methods.method_lookup",
}
"""Public name -> the module that defines it."""

__all__ = ["TrainingError", "UegrError", "UsageError", "attacks", *_HOMES]  # noqa: PLE0604  # names, from a table


def __getattr__(name: str) -> Any:
    if name == "attacks":
        return import_module("uegr.evaluation.attacks")
    if name not in _HOMES:
        raise AttributeError(f"module 'uegr' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
