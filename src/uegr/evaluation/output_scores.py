"""The metrics of a model's outputs, by the kind of its task."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from uegr.evaluation.entities import entities_found
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.language_generation import generated_bleu
from uegr.modeling.metrics import CLASSIFICATION, RANKING, Labels, Probabilities, f1
from uegr.modeling.task_kinds.classification import Classification
from uegr.modeling.task_kinds.detection import KINDS


def clean_scores(evaluated: EvaluatedModel, rows: Dataset, metrics: Sequence[str]) -> dict[str, float]:
    """The "metrics" part of results.json without attack and typing errors."""
    return scores_of(evaluated, rows, metrics, *evaluated.outputs(rows))


def scores_of(
    evaluated: EvaluatedModel, rows: Dataset, metrics: Sequence[str], outputs: NDArray[np.float64], labels: NDArray[Any]
) -> dict[str, float]:
    """The metrics of the kind of task, from the outputs and labels of `EvaluatedModel.outputs`.

    `metrics` are further ones for classification; the other kinds always have all of theirs.
    """
    if evaluated.kind == "classification":
        return class_scores(metrics, outputs, labels, rows[evaluated.text_columns[0]], evaluated.positive_class)
    scores = KINDS[evaluated.kind].metrics(outputs, labels)
    if evaluated.kind == "token":
        return {"entity_f1": entities_found(evaluated, outputs), **scores}
    return {**scores, "bleu": generated_bleu(evaluated, rows)} if evaluated.kind == "seq2seq" else scores


def class_scores(
    metrics: Sequence[str], probabilities: Probabilities, labels: Labels, groups: Iterable[Any], positive: int = 1
) -> dict[str, float]:
    """Accuracy, the named metrics, NLL and ECE of probabilities (N, C).

    Args:
        metrics: names of the task's own metrics.
        probabilities, labels: (N, C) and (N,).
        groups: the question of each example, for ranking metrics.
        positive: the class whose F1 is measured.
    """
    named: dict[str, float] = {}
    for name in metrics:
        if name in RANKING:
            named[name] = RANKING[name](probabilities, labels, groups)
        elif name == "f1":
            named[name] = f1(probabilities, labels, positive)
        else:
            named[name] = CLASSIFICATION[name](probabilities, labels)
    scores = Classification.metrics(probabilities, labels)
    return {"accuracy": scores.pop("accuracy"), **named, **scores}
