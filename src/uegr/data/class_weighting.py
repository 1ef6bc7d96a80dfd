"""Class weights for unbalanced data."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from uegr.errors import UsageError

if TYPE_CHECKING:
    from uegr.data.task_data import TaskData

ClassWeights = Literal["balanced"] | Sequence[float] | None


def class_weights(choice: ClassWeights, data: "TaskData") -> list[float] | None:
    """Return the weight of each class in the loss, in the order of the label names; None for equal weights.

    "balanced" gives all classes the same influence, however many examples (for labels of tokens: words) they have:
    N / (C n_c) for class c, whose mean over the examples is 1, so that the learning rate keeps its meaning; for
    multi-label (N - n_c) / n_c where label c is present (King & Zeng 2001; the usual forms in scikit-learn and torch).
    A class without examples gets 1.

    Raises:
        UsageError: the task has no classes, or there are not as many weights as classes, or one is negative.
    """
    if choice is None:
        return None
    if not data.label_names:
        raise UsageError(f"class weights need classes, and task '{data.name}' ({data.kind}) has none: leave them out.")
    if choice != "balanced":
        weights = usable_weights(choice)
        if weights is None or len(weights) != len(data.label_names) or not any(weights):
            raise UsageError(
                f"class_weights must be 'balanced' or {len(data.label_names)} numbers, none negative and not all 0, "
                f"for the classes {', '.join(data.label_names)}."
            )
        return weights
    counts = np.array(list(data.class_counts.values()))
    ratios = len(data.train) - counts if data.kind == "multi_label" else counts.sum() / len(counts)
    return [float(weight) for weight in np.where(counts > 0, ratios / np.maximum(counts, 1), 1.0)]


def usable_weights(weights: Iterable[float]) -> list[float] | None:
    """The weights as floats; None if a loss cannot be weighted with them: one is negative or not a finite number,
    there is none, or they are a mapping, whose keys would be taken for weights."""
    if isinstance(weights, Mapping):
        return None
    try:
        numbers = [float(weight) for weight in weights]
    except (TypeError, ValueError):
        return None
    return numbers if numbers and all(0 <= number < math.inf for number in numbers) else None
