"""What is measured on a model that predicts a number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor

from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.robustness import sorted_epsilons
from uegr.evaluation.worst_case import describe_worst, worst_outputs
from uegr.modeling.metrics import REGRESSION, Values, pearson


def predictions(subject: EvaluatedModel, rows: Dataset) -> tuple[Values, Values]:
    """Predicted numbers and labels, both (N,), in the order of the rows."""
    predicted, labels = np.zeros(len(rows)), np.zeros(len(rows))
    with torch.no_grad():
        for positions, batch in subject.batches(rows):
            predicted[positions] = _prediction(subject.logits(batch), batch).double().cpu().numpy()
            labels[positions] = batch["labels"].double().cpu().numpy()
    return predicted, labels


def scores(subject: EvaluatedModel, rows: Dataset) -> dict[str, float]:
    """Pearson and Spearman correlation, and squared error."""
    predicted, labels = predictions(subject, rows)
    return {name: metric(predicted, labels) for name, metric in REGRESSION.items()}


def curve(
    subject: EvaluatedModel,
    rows: Dataset,
    epsilons: Sequence[float],
    attack: PGD,
    on_batch: Callable[[int], None] = lambda examples: None,
) -> dict[str, Any]:
    """The "robustness" part of results.json: Pearson correlation of the worst predictions at each epsilon.

    The attack makes the squared error large; unlike an accuracy the correlation may rise again, where all
    predictions are driven the same way.
    """
    radii = sorted_epsilons(epsilons)
    worst = worst_outputs(subject, rows, radii, attack, _squared_error, _prediction, on_batch)
    labels = np.asarray(rows["label"][:], dtype=np.float64)
    return describe_worst(attack, radii, len(rows), "pearson", [pearson(one, labels) for one in worst])


def _prediction(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
    return logits.squeeze(-1)


def _squared_error(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
    return (logits.squeeze(-1) - batch["labels"].float()).square()
