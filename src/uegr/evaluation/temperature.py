"""Temperature scaling (Guo et al. 2017, arXiv 1706.04599): one number that calibrates the confidence of a model."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

RANGE = (0.05, 20.0)


def fit_temperature(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float | None:
    """The temperature T whose probabilities softmax(logits / T) have the least negative log-likelihood.

    None if the examples do not determine it: all are of one class, or the likelihood has no maximum, because all of
    them are correct or there are too few.

    Args:
        logits: of N examples that the model was not trained on, (N, C).
        labels: their classes, (N,).
    """

    def loss(log_temperature: float) -> float:
        scores = log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-scores[np.arange(len(labels)), labels].mean())

    if len(np.unique(labels)) < 2 or (logits.argmax(axis=1) == labels).all():
        return None
    best = float(np.exp(minimize_scalar(loss, bounds=np.log(RANGE), method="bounded").x))
    return best if 1.01 * RANGE[0] < best < RANGE[1] / 1.01 else None
