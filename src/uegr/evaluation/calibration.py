"""Whether a model's confidence is its accuracy: the bins of a reliability diagram, and scores of calibration."""

from dataclasses import asdict
from typing import Any

import numpy as np

from uegr.modeling.calibration_error import confidence_bins, expected_calibration_error
from uegr.modeling.metrics import Labels, Probabilities, accuracy, negative_log_likelihood


def measure_calibration(probabilities: Probabilities, labels: Labels) -> dict[str, Any]:
    """The "calibration" part of results.json: accuracy, ECE, NLL (nats), Brier score, and the bins.

    Args:
        probabilities, labels: (N, C) and (N,).
    """
    return {
        "examples": len(labels),
        "accuracy": accuracy(probabilities, labels),
        "ece": expected_calibration_error(probabilities, labels),
        "nll": negative_log_likelihood(probabilities, labels),
        "brier": brier_score(probabilities, labels),
        "bins": [asdict(part) for part in confidence_bins(probabilities, labels)],
    }


def brier_score(probabilities: Probabilities, labels: Labels) -> float:
    """Mean over examples of the sum over classes of (P - [class is the label])^2 (Brier 1950), in [0, 2]."""
    truth = np.eye(probabilities.shape[1])[labels]
    return float(np.square(probabilities - truth).sum(axis=1).mean())
