"""Selective prediction: the error rate among the examples that a model is most certain of."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from uegr.modeling.metrics import Labels, Probabilities

POINTS = 100
"""Number of points of the stored curve; its area is computed from all examples."""


def measure_selective_prediction(probabilities: Probabilities, labels: Labels) -> dict[str, Any]:
    """The "selective" part of results.json (El-Yaniv & Wiener 2010; Geifman & El-Yaniv 2017).

    Examples are taken in the order of the model's confidence, its largest probability. Those of equal confidence, as
    bfloat16 makes many, have no order: each counts as their mean error, whatever the order of the data.

    Returns:
        "coverage" and "risk", a curve; "aurc", the mean risk over all coverages, and "aurc_oracle", the same for
        an order with all errors at the end.
    """
    wrong = probabilities.argmax(axis=1) != labels
    _, level, counts = np.unique(-probabilities.max(axis=1), return_inverse=True, return_counts=True)
    risks = _risks(np.repeat(np.bincount(level, wrong) / counts, counts))
    n = len(labels)
    positions = np.unique(np.ceil(np.linspace(1, n, min(n, POINTS))).astype(int)) - 1
    return {
        "examples": n,
        "coverage": ((positions + 1) / n).tolist(),
        "risk": risks[positions].tolist(),
        "aurc": float(risks.mean()),
        "aurc_oracle": float(_risks(np.sort(wrong)).mean()),
    }


def _risks(wrong: NDArray[Any]) -> NDArray[np.float64]:
    """Error rate among the first 1, 2, ... N."""
    return np.cumsum(wrong) / np.arange(1, len(wrong) + 1)
