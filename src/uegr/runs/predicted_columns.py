"""The columns that `uegr predict` writes for a text, by the kind of task of the model."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from uegr.data.kind import KIND_TITLES, Kind
from uegr.errors import UsageError
from uegr.modeling.task_kinds.multi_label import is_present
from uegr.runs.open_classifier import OpenedClassifier

ABSTAINED = ""
"""The label of a text on which the confidence of the model is too low."""
NUMBER = "prediction"
PREDICTED: tuple[Kind, ...] = ("classification", "regression", "multi_label")
"""The kinds of task whose models answer with one vector per text."""


@dataclass(frozen=True)
class PredictedColumns:
    """What is written for a text.

    Args:
        header: names of the columns.
        labels: the labels that are counted, even where no text has them.
        cells: from logits (N, C) to the N rows of the columns; a label comes first, where there is one, or a list of
            the labels.
    """

    header: list[str]
    labels: list[str]
    cells: Callable[[NDArray[np.float64]], list[list[Any]]]

    @property
    def has_labels(self) -> bool:
        return not self.header[0].startswith(NUMBER)


def label_writer(names: Sequence[str]) -> Callable[[Sequence[str]], str]:
    """How several labels are written into one cell: joined by commas, or as a JSON list where there is none, or where a
    name has a comma."""
    if any("," in name for name in names):
        return lambda labels: json.dumps(labels, ensure_ascii=False)
    return lambda labels: ",".join(labels) if labels else "[]"


def columns_of(
    classifier: OpenedClassifier, *, abstain_below: float = 0.0, temperature: float = 1.0
) -> PredictedColumns:
    """The columns of a model.

    Args:
        classifier: the model.
        abstain_below: a class is left empty where the confidence is below this, in [0, 1].
        temperature: divides the logits of the classes.

    Raises:
        UsageError: `abstain_below` is not in [0, 1], or the model has no confidence.
    """
    if not 0.0 <= abstain_below <= 1.0:
        raise UsageError(f"abstain_below must be between 0 and 1, not {abstain_below}.")
    kind, names = classifier.evaluated.kind, classifier.names
    if kind != "classification" and abstain_below:
        raise UsageError(
            f"abstain_below is for classifiers, and this is a model for {KIND_TITLES[kind]}: leave it out."
        )
    probabilities = [f"p({name})" for name in names]
    if kind == "regression":
        outputs = [f"{NUMBER}({name})" for name in names] if len(names) > 1 else [NUMBER]
        return PredictedColumns(outputs, [], lambda logits: [[float(f"{x:.7g}") for x in row] for row in logits])
    if kind == "multi_label":
        return PredictedColumns(["labels", *probabilities], [], lambda logits: _label_sets(logits, names))

    def classes(logits: NDArray[np.float64]) -> list[list[Any]]:
        return _classes(softmax(logits / temperature, axis=1), names, abstain_below)

    return PredictedColumns(["label", "confidence", *probabilities], [*names, ABSTAINED], classes)


def _classes(probabilities: NDArray[np.float64], names: Sequence[str], abstain_below: float) -> list[list[Any]]:
    rows = []
    for row in probabilities:
        confidence = float(row.max())
        label = names[int(row.argmax())] if confidence >= abstain_below else ABSTAINED
        rows.append([label, round(confidence, 6), *_rounded(row)])
    return rows


def _label_sets(logits: NDArray[np.float64], names: Sequence[str]) -> list[list[Any]]:
    rows = []
    for present, probabilities in zip(is_present(logits), expit(logits), strict=True):
        labels = [name for name, has_label in zip(names, present, strict=True) if has_label]
        rows.append([labels, *_rounded(probabilities)])
    return rows


def _rounded(probabilities: NDArray[np.float64]) -> list[float]:
    return [round(float(probability), 6) for probability in probabilities]
