"""A model's score on a task that it was not trained on, with and without texts that it was trained on."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uegr.data.label_maps import LabelMap
from uegr.data.overlap import Overlap
from uegr.data.task_data import TaskData
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.output_scores import class_scores, clean_scores
from uegr.modeling.metrics import Labels, Probabilities


def score_transfer(
    evaluated: EvaluatedModel, data: TaskData, classes: LabelMap | None, seen: Overlap
) -> dict[str, Any]:
    """One entry of the "transfer" part of results.json.

    Args:
        evaluated: the model, reading the task's columns.
        data: the task; its test split is measured.
        classes: how its classes are scored; None for kinds of task without classes.
        seen: which test texts are in the training data.

    Returns:
        The task, its metrics, the overlap, and under "unseen" the published metric without the texts that are equal or
        nearly equal to a training text.
    """
    metric, scored = data.metrics[0], np.arange(len(data.test))
    if classes is None:
        score = partial(_score_rows, evaluated, data)
    else:
        model_probabilities, labels = evaluated.probabilities(data.test)
        probabilities, labels = classes.probabilities(model_probabilities), classes.labels(labels)
        scored = np.flatnonzero(labels >= 0)
        score = partial(_score_classes, data, probabilities, labels)
    unseen = scored[~seen.near[scored]]
    scores = score(scored)
    if len(unseen) == len(scored):
        unseen_score: float | None = scores[metric]
    else:
        unseen_score = score(unseen)[metric] if len(unseen) else None
    entry = {
        "task": data.name,
        "metric": metric,
        "leakage": seen.summary(),
        "test_examples": len(scored),
        "metrics": scores,
        "unseen": {"examples": len(unseen), metric: unseen_score},
    }
    return {**entry, "positive_label": classes.names[1]} if classes is not None and "f1" in scores else entry


def _score_rows(evaluated: EvaluatedModel, data: TaskData, rows: NDArray[np.intp]) -> dict[str, float]:
    return clean_scores(evaluated, data.test.select(rows), data.metrics)


def _score_classes(
    data: TaskData, probabilities: Probabilities, labels: Labels, rows: NDArray[np.intp]
) -> dict[str, float]:
    groups = data.test.select(rows)[data.text_columns[0]]
    return class_scores(data.metrics, probabilities[rows], labels[rows], groups)
