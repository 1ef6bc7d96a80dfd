"""A model's score on a task it was not trained on, with and without what it has seen of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from uegr.data.label_maps import LabelMap
from uegr.data.overlap import Overlap
from uegr.data.task_data import TaskData
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.evaluator import class_scores, clean_scores


def transfer(subject: EvaluatedModel, data: TaskData, classes: LabelMap | None, seen: Overlap) -> dict[str, Any]:
    """One entry of the "transfer" part of results.json.

    Args:
        subject: the model, reading the task's columns.
        data: the task; its test split is measured.
        classes: how its classes are scored; None for kinds of task without classes.
        seen: which test texts the training data holds.

    Returns:
        The task, its metrics, the overlap, and under "unseen" the published metric without the texts that are
        equal or nearly equal to a training text.
    """
    about = {"task": data.name, "metric": data.metrics[0], "leakage": seen.summary()}
    unseen = np.flatnonzero(~seen.near)
    if classes is None:
        scores = clean_scores(subject, data.test, data.metrics)
        left = clean_scores(subject, data.test.select(unseen), data.metrics) if len(unseen) else {}
        examples = len(data.test)
    else:
        given, labels = subject.probabilities(data.test)
        probabilities, labels = classes.probabilities(given), classes.labels(labels)
        groups = np.asarray(data.test[data.text_columns[0]][:], dtype=object)
        kept = np.flatnonzero(labels >= 0)
        unseen = np.intersect1d(unseen, kept)
        scores = class_scores(data.metrics, probabilities[kept], labels[kept], groups[kept])
        left = class_scores(data.metrics, probabilities[unseen], labels[unseen], groups[unseen]) if len(unseen) else {}
        examples = len(kept)
    return {
        **about,
        "test_examples": examples,
        "metrics": scores,
        "unseen": {"examples": len(unseen), data.metrics[0]: left.get(data.metrics[0])},
    }
