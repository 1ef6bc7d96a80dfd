"""A model's score on a task that it was not trained on, with and without texts that it was trained on."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from uegr.data.label_maps import LabelMap
from uegr.data.overlap import Overlap
from uegr.data.task_data import TaskData
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.evaluator import class_scores, clean_scores


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
    about = {"task": data.name, "metric": data.metrics[0], "leakage": seen.summary()}
    unseen = np.flatnonzero(~seen.near)
    if classes is None:
        scores = clean_scores(evaluated, data.test, data.metrics)
        unseen_scores = clean_scores(evaluated, data.test.select(unseen), data.metrics) if len(unseen) else {}
        examples = len(data.test)
    else:
        model_probabilities, labels = evaluated.probabilities(data.test)
        probabilities, labels = classes.probabilities(model_probabilities), classes.labels(labels)
        groups = np.asarray(data.test[data.text_columns[0]][:], dtype=object)

        def scores_of(rows: NDArray[np.intp]) -> dict[str, float]:
            return class_scores(data.metrics, probabilities[rows], labels[rows], groups[rows])

        mapped = np.flatnonzero(labels >= 0)
        unseen = np.intersect1d(unseen, mapped)
        scores = scores_of(mapped)
        unseen_scores = scores_of(unseen) if len(unseen) else {}
        examples = len(mapped)
    return {
        **about,
        "test_examples": examples,
        "metrics": scores,
        "unseen": {"examples": len(unseen), data.metrics[0]: unseen_scores.get(data.metrics[0])},
    }
