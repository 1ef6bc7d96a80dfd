"""Labels and class weights that do not fit the logits are refused in one sentence; those that do are computed with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.modeling.task_kinds.detection import task_kind_of
from uegr.modeling.task_kinds.own_loss import labels_fit
from uegr.modeling.task_kinds.task_kind import TaskKind

CLASSES = torch.tensor([0, 2, 1])


def kind_of(labels: Any, *, weights: Tensor | None = None, any_class: bool = False) -> TaskKind:
    return task_kind_of(nn.Module(), torch.zeros(3, 3), labels, weights, any_class=any_class)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 2, 1], "must be a tensor, not list"),
        (CLASSES[:2], "a batch of 3 examples needs labels for each"),
        (torch.tensor(1), "a batch of 3 examples needs labels for each"),
        (CLASSES + 1, "label 3 is not one of the model's 3 classes: number the classes from 0 to 2"),
        (CLASSES - 1, "label -1 is not one of the model's 3 classes"),
        (CLASSES.float(), "floating-point labels of shape .* classes are whole numbers"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        kind_of(labels)


@pytest.mark.parametrize("rows", [1, 3])
def test_regression_needs_one_number_per_output(rows: int) -> None:
    """Of a batch of one, broadcasting would compare the output with every label."""
    with pytest.raises(UsageError, match=r"labels of shape .* do not fit outputs of shape .*one number for each"):
        task_kind_of(nn.Module(), torch.zeros(rows, 1), torch.rand(rows, 2))
    task_kind_of(nn.Module(), torch.zeros(rows, 1), torch.rand(rows, 2), any_class=True)


def test_classes_that_are_fractions_are_refused() -> None:
    module = nn.Module()
    module.config = SimpleNamespace(problem_type="single_label_classification")  # type: ignore[assignment]
    assert torch.equal(task_kind_of(module, torch.zeros(3, 3), CLASSES.float()).labels, CLASSES)
    with pytest.raises(UsageError, match="the labels hold fractions"):
        task_kind_of(module, torch.zeros(3, 3), torch.tensor([0.7, 2.0, 1.0]))


@pytest.mark.parametrize("dtype", [torch.int32, torch.int16, torch.uint8])
def test_every_type_of_whole_number_is_a_class(dtype: torch.dtype) -> None:
    assert torch.equal(kind_of(CLASSES.to(dtype)).labels, CLASSES)


def test_true_and_false_are_classes() -> None:
    assert torch.equal(kind_of(CLASSES > 0).labels, torch.tensor([0, 1, 1]))


def test_a_loss_of_the_users_own_may_give_labels_another_meaning() -> None:
    """An ordinal loss has one output less than classes."""
    assert torch.equal(kind_of(CLASSES + 1, any_class=True).labels, CLASSES + 1)


@pytest.mark.parametrize("weights", [torch.ones(2), torch.ones(4), torch.ones(3, 1)])
def test_class_weights_are_one_per_class(weights: Tensor) -> None:
    with pytest.raises(UsageError, match="one number for each of the model's 3 classes"):
        kind_of(CLASSES, weights=weights)


def test_a_batch_without_targets_has_the_loss_0_and_no_gradient() -> None:
    """Cut answers leave such batches in the fine-tuning of a language model; NaN would end the training."""
    logits = torch.randn(3, 3, requires_grad=True)
    task = kind_of(torch.full((3,), -100))
    loss = task.mean(task.loss(logits))
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad is not None and not logits.grad.any()


@pytest.mark.parametrize(
    ("labels", "fit"),
    [
        (CLASSES, True),
        (CLASSES + 1, False),  # the logits are no scores of these classes, but for example an embedding
        (CLASSES.float(), False),
        (torch.rand(3, 3), True),
        (torch.rand(3, 2), False),
        (CLASSES[:2], False),
        (None, False),
    ],
)
def test_the_labels_of_an_own_loss_are_used_where_they_fit_the_logits(labels: Tensor | None, fit: bool) -> None:
    assert labels_fit(labels, torch.zeros(3, 3)) is fit


@pytest.mark.parametrize(
    ("labels", "fit"), [(torch.rand(3), True), (torch.rand(3, 1), True), (torch.rand(3, 2), False)]
)
def test_the_labels_of_an_own_loss_are_used_with_one_output_where_they_are_one_each(labels: Tensor, fit: bool) -> None:
    assert labels_fit(labels, torch.zeros(3, 1)) is fit
