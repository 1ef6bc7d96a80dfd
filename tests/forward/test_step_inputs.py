"""The kind of task of a step: what it refuses, and that the labels are checked once."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from support.small_models import batch, bert
from support.stages import stage_of, step
from uegr.errors import UsageError
from uegr.forward.step_inputs import Step
from uegr.forward.task_options import TaskOptions
from uegr.forward.uegr import UEGRForward
from uegr.modeling.task_kinds import detection


def task_with(labels: Tensor, outputs: int, **options: Any) -> Any:
    step = Step(torch.Generator(), task_options=TaskOptions(**options))
    return step.task(nn.Module(), torch.zeros(3, outputs), {"labels": labels})


@pytest.mark.parametrize(
    ("labels", "outputs", "options", "kind"),
    [
        (torch.rand(3), 1, {"class_weights": torch.ones(1)}, "regression"),
        (torch.rand(3), 1, {"label_smoothing": 0.1}, "regression"),
        (torch.ones(3, 4), 4, {"label_smoothing": 0.1}, "multi_label"),
    ],
)
def test_an_option_of_the_loss_without_effect_is_refused(
    labels: Tensor, outputs: int, options: dict[str, Any], kind: str
) -> None:
    (name,) = options
    with pytest.raises(UsageError, match=f"{name} has no effect on the loss of a {kind} task"):
        task_with(labels, outputs, **options)
    task_with(labels, outputs)


def test_an_option_of_the_loss_is_given_to_the_kind_that_uses_it() -> None:
    weights = torch.tensor([1.0, 2.0])
    task = task_with(torch.tensor([0, 1, 0]), 2, class_weights=weights, label_smoothing=0.1)
    assert torch.equal(task.class_weights, weights)
    assert task.label_smoothing == 0.1
    assert torch.equal(task_with(torch.ones(3, 2), 2, class_weights=weights).class_weights, weights)


@pytest.mark.parametrize("options", [{"class_weights": torch.ones(2)}, {"label_smoothing": 0.1}])
def test_an_option_that_an_own_loss_would_not_use_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="loss_fn .* is the whole loss: put class weights and label smoothing into it"):
        TaskOptions(loss_fn=torch.nn.functional.cross_entropy, **options)
    TaskOptions(loss_fn=torch.nn.functional.cross_entropy)


def test_labels_that_are_no_tensor_and_a_smoothing_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match=r"must be a tensor, not list: write torch.tensor\(labels\)"):
        task_with([0, 1, 0], 2)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="label_smoothing must be between 0 and 1, not -0.1"):
        TaskOptions(label_smoothing=-0.1)
    with pytest.raises(UsageError, match="label_smoothing must be a number, not 'a'"):
        TaskOptions(label_smoothing="a")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="loss_fn must be a function, not 'ce'"):
        TaskOptions(loss_fn="ce")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("returned", "given"),
    [(None, "an object of NoneType"), (0.5, "an object of float"), (torch.ones(3, 2), r"\(3, 2\)")],
)
def test_a_loss_that_is_not_one_value_per_target_is_refused(returned: Any, given: str) -> None:
    options = TaskOptions(loss_fn=lambda logits, labels: returned)
    task = Step(torch.Generator(), task_options=options).task(
        bert(), torch.zeros(3, 2), {"labels": torch.ones(3).long()}
    )
    with pytest.raises(UsageError, match=f"one value for each of the batch's 3 targets, or their mean, not .*{given}"):
        task.loss(torch.zeros(3, 2))


@pytest.mark.parametrize("options", [{}, {"reuse": True}, {"checkpoint_passes": True}, {"ascent_steps": 3}])
def test_a_step_checks_its_labels_once(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    check, checked = detection.check_classes, []
    monkeypatch.setattr(detection, "check_classes", lambda *arguments: checked.append(check(*arguments)))
    stage_of(UEGRForward, **options)(bert().train(), batch(), step())
    assert len(checked) == 1


def test_different_labels_and_different_outputs_are_checked_again() -> None:
    position, labels = step(), torch.tensor([0, 1, 2])
    task = position.task(nn.Module(), torch.zeros(3, 3), {"labels": labels})
    assert position.task(nn.Module(), torch.ones(3, 3), {"labels": labels}) is task
    assert position.task(nn.Module(), torch.zeros(3, 3), {"labels": labels.clone()}) is not task
    with pytest.raises(UsageError, match="label 2 is not one of the model's 2 classes"):
        position.task(nn.Module(), torch.zeros(3, 2), {"labels": labels})
