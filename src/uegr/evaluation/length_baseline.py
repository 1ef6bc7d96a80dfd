"""How well the length of a text alone predicts its class; a model that reads the text must do better."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from uegr.data.splits import LABEL, subset

REPORTED_AUC = 0.65
"""An AUC above this is reported in words; 0.5 is chance."""
MOST_TRAINED = 5000
"""Largest number of rows that the regression is fitted on."""


def measure_length_baseline(train: Dataset, rows: Dataset, columns: Sequence[str]) -> dict[str, float] | None:
    """Accuracy and AUC (one class against the rest, mean) of a logistic regression on the logarithms of the lengths.

    Args:
        train: rows it is fitted on, at most `MOST_TRAINED`; class in "label".
        rows: rows it is measured on.
        columns: columns of text.

    Returns:
        {"accuracy", "auc"}; None where a class is missing in one of the two.
    """
    train = subset(train, MOST_TRAINED, 0)
    labels, true = np.asarray(train[LABEL][:]), np.asarray(rows[LABEL][:])
    classes = np.unique(labels)
    if len(classes) < 2 or not np.array_equal(classes, np.unique(true)):
        return None
    model = LogisticRegression(max_iter=1000).fit(_lengths(train, columns), labels)
    probabilities = model.predict_proba(_lengths(rows, columns))
    scores = probabilities[:, 1] if len(classes) == 2 else probabilities
    auc = roc_auc_score(true, scores, multi_class="ovr")
    return {"accuracy": float((classes[probabilities.argmax(axis=1)] == true).mean()), "auc": float(auc)}


def _lengths(rows: Dataset, columns: Sequence[str]) -> NDArray[Any]:
    """Logarithms of the numbers of characters and of words of each text, (N, 2 x columns)."""
    counts = [[(len(text), len(text.split())) for text in rows[column]] for column in columns]
    lengths: NDArray[Any] = np.log1p(np.concatenate(np.asarray(counts, dtype=float), axis=1))
    return lengths
