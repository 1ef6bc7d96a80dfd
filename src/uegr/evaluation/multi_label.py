"""What is measured on a model that says of each of several labels whether it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from datasets import Dataset
from torch import Tensor

from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.robustness import sorted_epsilons
from uegr.evaluation.worst_case import describe_worst, worst_outputs
from uegr.modeling.metrics import MULTI_LABEL, Values, micro_f1


def scores(subject: EvaluatedModel, rows: Dataset) -> dict[str, float]:
    """Micro and macro F1 at a probability of one half, and exact matches."""
    decided, labels = _decisions(subject, rows)
    return {name: metric(decided, labels) for name, metric in MULTI_LABEL.items()}


def curve(
    subject: EvaluatedModel,
    rows: Dataset,
    epsilons: Sequence[float],
    attack: PGD,
    on_batch: Callable[[int], None] = lambda examples: None,
) -> dict[str, Any]:
    """The "robustness" part of results.json: micro F1 of the decisions at the largest cross-entropy found."""
    radii = sorted_epsilons(epsilons)
    worst = worst_outputs(subject, rows, radii, attack, _error, _decision, on_batch)
    labels = np.asarray(rows["label"][:])
    return describe_worst(attack, radii, len(rows), "micro_f1", [micro_f1(one, labels) for one in worst])


def _decisions(subject: EvaluatedModel, rows: Dataset) -> tuple[Values, Values]:
    decided = np.zeros((len(rows), int(subject.model.config.num_labels or 0)))
    labels = np.zeros_like(decided)
    with torch.no_grad():
        for positions, batch in subject.batches(rows):
            decided[positions] = _decision(subject.logits(batch), batch).cpu().numpy()
            labels[positions] = batch["labels"].cpu().numpy()
    return decided, labels


def _decision(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
    return (logits > 0).float()


def _error(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, batch["labels"].float(), reduction="none").mean(dim=-1)
