"""Check that the outputs of a model in memory fit the labels of the data, before it is measured."""

from datasets import Dataset

from uegr.data.splits import LABEL
from uegr.errors import UsageError
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.evaluation_data import class_names


def checked_class_names(evaluated: EvaluatedModel, rows: Dataset) -> list[str]:
    """The names of the model's classes; empty for other kinds of task.

    Raises:
        UsageError: the number of the model's outputs does not fit the labels.
    """
    if evaluated.kind not in ("classification", "regression", "multi_label"):
        return []
    outputs, labels = evaluated.outputs(rows.select([0]))
    count = outputs[0].size
    if evaluated.kind == "regression" and count != 1:
        raise UsageError(
            f"a model for regression has one output, and this one has {count}: give it whole numbers as labels and "
            "kind='classification', or lists of numbers and kind='multi_label'."
        )
    if evaluated.kind == "multi_label" and count != labels[0].size:
        raise UsageError(
            f"the labels are lists of {labels[0].size} numbers, and the model has {count} outputs: give a number for "
            "each output."
        )
    if evaluated.kind != "classification":
        return []
    if count == 1:
        raise UsageError("the model has one output, and a classifier one for each class: give kind='regression'.")
    if (largest := max(rows[LABEL])) >= count:
        raise UsageError(
            f"there is a label {largest}, and the model has the classes 0 to {count - 1}: correct the labels."
        )
    return class_names(evaluated.model, count)
