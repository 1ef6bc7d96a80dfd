"""Does a model that is 80 % sure get 80 % right? Bins of a reliability diagram, and the scores that go with it."""

from __future__ import annotations

from typing import Any

import numpy as np

from uegr.modeling.metrics import (
    ECE_BINS,
    Labels,
    Probabilities,
    accuracy,
    expected_calibration_error,
    negative_log_likelihood,
)


def calibration(probabilities: Probabilities, labels: Labels, bins: int = ECE_BINS) -> dict[str, Any]:
    """The "calibration" part of results.json.

    Args:
        probabilities, labels: (N, C) and (N,).
        bins: of equal width, over the confidence; an example of confidence 1 falls into the last.

    Returns:
        Accuracy, ECE, NLL (nats), Brier score, and the bins.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    diagram = []
    for i in range(bins):
        inside = which == i
        filled = bool(inside.any())
        diagram.append(
            {
                "low": i / bins,
                "high": (i + 1) / bins,
                "count": int(inside.sum()),
                "confidence": float(confidence[inside].mean()) if filled else None,
                "accuracy": float(right[inside].mean()) if filled else None,
            }
        )
    return {
        "examples": len(labels),
        "accuracy": accuracy(probabilities, labels),
        "ece": expected_calibration_error(probabilities, labels, bins),
        "nll": negative_log_likelihood(probabilities, labels),
        "brier": brier_score(probabilities, labels),
        "bins": diagram,
    }


def brier_score(probabilities: Probabilities, labels: Labels) -> float:
    """Mean over examples of the sum over classes of (P - [class is the label])^2 (Brier 1950), in [0, 2]."""
    truth = np.eye(probabilities.shape[1])[labels]
    return float(np.square(probabilities - truth).sum(axis=1).mean())
