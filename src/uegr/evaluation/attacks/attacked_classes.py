"""Checks that a model is a classifier whose answers an attack can change, and that the labels are its classes."""

from collections.abc import Sequence
from typing import Any

from uegr.errors import UsageError
from uegr.modeling.model_wrappers import config_value


def check_attackable(model: Any, classes: int, labels: Sequence[Any]) -> None:
    """Raise a UsageError if an attack would measure nothing.

    Args:
        model: the attacked model, wrapped or not.
        classes: number of its logits.
        labels: the class of each example.
    """
    problem = config_value(model, "problem_type")
    if classes < 2 or problem in ("regression", "multi_label_classification"):
        described = f"a model for {problem.replace('_', ' ')}" if problem and classes > 1 else "a model with one output"
        raise UsageError(f"an attack needs a classifier of at least two classes, not {described}.")
    for given in labels:
        label = given.item() if hasattr(given, "item") else given
        if label not in range(classes):
            raise UsageError(
                f"{label!r} is not a class of this model: give whole numbers from 0 to {classes - 1}, in the order of "
                "its logits."
            )
