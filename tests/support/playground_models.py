"""Models of the tests as the page holds them."""

from __future__ import annotations

from pathlib import Path

from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.playground.playground_models import PlaygroundModels
from uegr.runs.open_classifier import OpenedClassifier

CLASSES = ["bad", "good"]


def models_of_page(*models: EvaluatedModel, names: list[str] | None = None) -> PlaygroundModels:
    """Models under the names "model-0" and "model-1"."""
    return PlaygroundModels(
        [OpenedClassifier(Path(f"model-{i}"), model, names or CLASSES, None) for i, model in enumerate(models)]
    )
