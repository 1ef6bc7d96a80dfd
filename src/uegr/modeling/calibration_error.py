"""Expected calibration error: the difference between confidence and accuracy, over bins of confidence."""

from dataclasses import dataclass

import numpy as np

from uegr.modeling.metrics import Labels, Probabilities

ECE_BINS = 15
"""Number of bins of equal width, as in Guo et al. 2017 (arXiv 1706.04599)."""


@dataclass(frozen=True)
class ConfidenceBin:
    """The examples whose confidence lies in [low, high), their number, mean confidence and accuracy (None if empty)."""

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


def confidence_bins(probabilities: Probabilities, labels: Labels) -> list[ConfidenceBin]:
    """Accuracy by confidence, in `ECE_BINS` bins of equal width; an example of confidence 1 is in the last bin.

    Args:
        probabilities: of N examples and C classes, shape (N, C).
        labels: shape (N,).
    """
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bin_of_example = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    result = []
    for i in range(ECE_BINS):
        inside = bin_of_example == i
        filled = bool(inside.any())
        means = [float(values[inside].mean()) if filled else None for values in (confidence, correct)]
        result.append(ConfidenceBin(i / ECE_BINS, (i + 1) / ECE_BINS, int(inside.sum()), *means))
    return result


def expected_calibration_error(probabilities: Probabilities, labels: Labels) -> float:
    """Mean over bins of |accuracy - confidence|, weighted by their examples, in [0, 1] (Naeini et al. 2015)."""
    gaps = [
        abs(part.accuracy - part.confidence) * (part.count / len(labels))
        for part in confidence_bins(probabilities, labels)
        if part.accuracy is not None and part.confidence is not None
    ]
    return float(np.sum(gaps))
