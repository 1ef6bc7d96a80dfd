"""Models of the tests as the page holds them."""

from __future__ import annotations

from pathlib import Path

from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.playground.played_models import PlayedModels
from uegr.runs.open_classifier import OpenedClassifier

CLASSES = ["bad", "good"]


def played(*models: EvaluatedModel, names: list[str] | None = None) -> PlayedModels:
    """Models under the names "model-0" and "model-1"."""
    return PlayedModels(
        [OpenedClassifier(Path(f"model-{i}"), model, names or CLASSES, False) for i, model in enumerate(models)]
    )
