"""Detection of texts that are not of the model's task: area under the ROC curve of two scores without training."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax
from sklearn.metrics import roc_auc_score

Logits = NDArray[np.float64]


def ood_auroc(own: Logits, foreign: Logits) -> dict[str, float]:
    """How well a score tells a model's own texts from foreign ones: 1 is always, 0.5 is chance.

    Args:
        own, foreign: logits (N, C) and (M, C).

    Returns:
        "max_softmax", the largest probability (Hendrycks & Gimpel 2017); "energy", log sum exp of the logits
        (Liu et al. 2020). Both are larger on texts that are like the model's own.
    """
    truth = np.r_[np.ones(len(own)), np.zeros(len(foreign))]
    logits = np.concatenate([own, foreign])
    scores: dict[str, Any] = {"max_softmax": softmax(logits, axis=1).max(axis=1), "energy": logsumexp(logits, axis=1)}
    return {name: float(roc_auc_score(truth, score)) for name, score in scores.items()}
