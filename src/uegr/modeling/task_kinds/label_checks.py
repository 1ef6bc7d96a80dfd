"""Checks of the labels and class weights of a batch, before a loss is computed from them."""

from typing import Any

from torch import Tensor

from uegr.data.kind import IGNORED_LABEL
from uegr.errors import UsageError


def check_labels(labels: Any, logits: Tensor) -> None:
    """Refuse labels that do not belong to these logits.

    Raises:
        UsageError: they are not a tensor, or do not have as many rows as the logits.
    """
    if not isinstance(labels, Tensor):
        raise UsageError(
            f"the labels of a batch must be a tensor, not {type(labels).__name__}: write torch.tensor(labels)."
        )
    if labels.shape[:1] != logits.shape[:1]:
        raise UsageError(
            f"a batch of {len(logits)} examples needs labels for each of them, and the labels have shape "
            f"{tuple(labels.shape)}."
        )


def check_one_class(labels: Tensor) -> None:
    """Refuse several whole numbers per example where the model gives one output per class.

    Raises:
        UsageError: there are several.
    """
    if labels.numel() != len(labels):
        raise UsageError(
            f"whole-number labels of shape {tuple(labels.shape)} are several classes for each example: a class is one "
            "number per example (of one-hot labels, labels.argmax(-1)), and several labels are floats (labels.float())."
        )


def check_classes(labels: Tensor, classes: int) -> None:
    """Raise a UsageError if a label is not a class of the model; see `class_outside`."""
    outside = class_outside(labels, classes)
    if outside is not None:
        raise UsageError(
            f"label {outside} is not one of the model's {classes} classes: number the classes from 0 to {classes - 1}, "
            f"with {IGNORED_LABEL} where there is no target, or load the model with more num_labels."
        )


def class_outside(labels: Tensor, classes: int) -> int | None:
    """The first label that is neither in [0, classes) nor -100, if there is one.

    On a GPU the host waits here for the batch. Without the check, such a label would end the process at some later
    operation, with "device-side assert triggered".
    """
    outside = labels[((labels < 0) & (labels != IGNORED_LABEL)) | (labels >= classes)]
    return int(outside[0]) if len(outside) else None


def check_multi_label(labels: Tensor, logits: Tensor) -> None:
    """Refuse floating-point labels that are not one per output.

    Raises:
        UsageError: their shape does not fit that of the logits.
    """
    if labels.numel() != logits.numel():
        raise UsageError(
            f"floating-point labels of shape {tuple(labels.shape)} do not fit the model's {logits.shape[-1]} outputs: "
            "classes are whole numbers (write labels.long()), several labels per example are one number per output, "
            "and regression needs a model with num_labels=1."
        )


def check_class_weights(weights: Tensor, classes: int) -> None:
    """Refuse class weights that are not one per class.

    Raises:
        UsageError: there are more or fewer.
    """
    if weights.shape != (classes,):
        raise UsageError(
            f"class_weights must be one number for each of the model's {classes} classes, and their shape is "
            f"{tuple(weights.shape)}."
        )


def check_numbers(labels: Tensor, logits: Tensor) -> None:
    """Refuse labels for regression that are not one number per output: broadcasting would pair them wrongly.

    Raises:
        UsageError: there are more or fewer.
    """
    if labels.numel() != logits.numel():
        raise UsageError(
            f"labels of shape {tuple(labels.shape)} do not fit outputs of shape {tuple(logits.shape)}: regression "
            "needs one number for each output, and classes a model with num_labels of at least 2."
        )


def check_whole(labels: Tensor) -> None:
    """Refuse classes that are fractions, which would be cut to whole numbers.

    Raises:
        UsageError: a label is a fraction.
    """
    if labels.is_floating_point() and bool((labels != labels.trunc()).any()):
        raise UsageError(
            "the labels hold fractions, and the model's problem_type says that they are classes: give whole numbers, "
            'or set model.config.problem_type to "regression" or "multi_label_classification".'
        )
