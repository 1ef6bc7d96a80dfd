"""Accuracy, likelihood and calibration of predicted probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss

Probabilities = NDArray[np.float64]
Labels = NDArray[np.int64]
ECE_BINS = 15


def accuracy(probabilities: Probabilities, labels: Labels) -> float:
    """Share of examples whose most probable class is the label, in [0, 1]."""
    return float((probabilities.argmax(axis=1) == labels).mean())


def negative_log_likelihood(probabilities: Probabilities, labels: Labels) -> float:
    """Mean of -log P(label), in nats."""
    return float(log_loss(labels, probabilities, labels=np.arange(probabilities.shape[1])))


def expected_calibration_error(probabilities: Probabilities, labels: Labels, bins: int = ECE_BINS) -> float:
    """Gap between confidence and accuracy over equal-width bins of confidence, weighted by their examples.

    Naeini et al. 2015; Guo et al. 2017 (arXiv 1706.04599) use the same 15 bins. In [0, 1].
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(correct[which == one].mean() - confidence[which == one].mean()) * (which == one).mean()
        for one in np.unique(which)
    ]
    return float(np.sum(gaps))
