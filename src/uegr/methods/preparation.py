"""The pass over the training data before the first step, for methods that score the pretrained weights."""

import itertools
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

import torch
from accelerate.utils import send_to_device
from torch import Tensor, nn

from uegr.backward.backward_stage import BackwardStage, optimizer_parameters
from uegr.errors import UsageError
from uegr.forward.batch_faults import batch_faults_named, check_batch
from uegr.forward.own_loss_batch import find_tokens
from uegr.forward.plain import PlainForward
from uegr.forward.step_inputs import Batch, Step
from uegr.forward.task_options import TaskOptions
from uegr.modeling.data_parallel import average_gradients, smallest_over_processes
from uegr.modeling.float16_gradients import loss_scale
from uegr.modeling.module_modes import in_mode
from uegr.modeling.set_aside_gradients import gradients_set_aside, weights_of_others
from uegr.options import check_value


def stage_inputs(model: nn.Module, batch: Any, options: TaskOptions, *, perturbs: bool) -> Batch:
    """A batch of the user's as the stages take it."""
    if options.compute_loss is None:
        check_batch(batch, perturbs=perturbs)
    return find_tokens(model, batch, options.compute_loss, perturbs=perturbs)


def plain_loss(model: nn.Module, batch: Batch, step: Step) -> Tensor:
    """The loss of one plain pass."""
    with batch_faults_named(model, batch):
        return PlainForward()(model, batch, step).value


def observe_training_data(
    stage: BackwardStage,
    optimizer: torch.optim.Optimizer,
    model: nn.Module,
    batches: Iterable[Any],
    accumulation_steps: int,
    make_step: Callable[[int], Step],
) -> None:
    """Show the stage the gradients of the training data, in the modes that the training will have.

    A model in eval mode, as `from_pretrained` returns it, is set to train mode; in a model in train mode a part may be
    in eval mode, and stays so. The weights do not change, each module has its former mode afterwards, no gradient of
    the optimizer's weights is left, and those of other weights are as before.

    Args:
        stage: observes the gradients of each optimizer step.
        optimizer: the user's own.
        model: in training, wrapped or not.
        batches, accumulation_steps: see `Method.prepare`.
        make_step: from the number of a batch to the step for its loss.

    Raises:
        UsageError: there is no batch, or the number of accumulation steps is not at least 1.
    """
    check_value("accumulation_steps", accumulation_steps, int)
    if accumulation_steps < 1:
        raise UsageError(f"accumulation_steps must be at least 1, not {accumulation_steps}.")
    device = next(model.parameters()).device
    numbered, count, scale = enumerate(batches), 0, 1.0
    others = weights_of_others(model, optimizer)
    try:
        with gradients_set_aside(others), nullcontext() if model.training else in_mode(model, train=True):
            while step_batches := list(itertools.islice(numbered, accumulation_steps)):
                optimizer.zero_grad()
                for number, batch in step_batches:
                    step, moved = make_step(number), send_to_device(batch, device)
                    inputs = stage_inputs(model, moved, step.task_options, perturbs=step.perturbs)
                    loss = plain_loss(model, inputs, step)
                    if number == 0:
                        scale = smallest_over_processes(loss_scale(loss))
                    (scale * loss).backward()
                count += len(step_batches)
                average_gradients(model, optimizer)
                for weight in optimizer_parameters(optimizer):
                    if weight.grad is not None:
                        weight.grad /= scale
                stage.observe(optimizer)
    finally:
        optimizer.zero_grad()
    if not count:
        raise UsageError(
            "the pretrained weights are scored on training data, and there was no batch: give a loader, or a new "
            "iterator if this one was used before."
        )
