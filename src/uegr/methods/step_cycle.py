"""The cycle of a training loop: losses and their backward passes, then `step()`, or `zero_grad()` without a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from uegr.backward.backward_stage import BackwardStage, optimizer_parameters
from uegr.backward.replay import Replay
from uegr.backward.staged_optimizer import has_gradients
from uegr.errors import UsageError
from uegr.forward.batch_faults import batch_faults_named
from uegr.forward.forward_stage import ForwardStage
from uegr.forward.model_pass import seeded
from uegr.forward.step_inputs import Batch, Step
from uegr.methods.attached_model import AttachedModel
from uegr.methods.fabric import gradients_allowed
from uegr.methods.training_position import TrainingPosition
from uegr.methods.training_warnings import TrainingWarnings
from uegr.modeling.shards import reshard


class StepCycle:
    """Calls the stages in the order of a step, whatever the loop does: accumulate, skip a batch, freeze a layer.

    One object serves all steps of a training.

    Args:
        name: of the method, for messages.
        attached: the model and the user's optimizer.
        forward, backward: the stages.
        position: counts the losses and the steps.
        backward_only: whether a step may be made without a loss of the method.
    """

    def __init__(
        self,
        name: str,
        attached: AttachedModel,
        forward: ForwardStage,
        backward: BackwardStage,
        position: TrainingPosition,
        *,
        backward_only: bool,
    ) -> None:
        self._name, self._attached, self._backward_only = name, attached, backward_only
        self._forward, self._backward, self._position = forward, backward, position
        self._optimizer: torch.optim.Optimizer = attached.optimizer.optimizer
        self._replay, self._warnings = Replay(forward, self._optimizer), TrainingWarnings()
        self._start_step()

    def _start_step(self) -> None:
        self._losses_without_backward = 0
        self._has_gradients = False  # of losses of this step

    @property
    def _has_loss(self) -> bool:
        return self._has_gradients or self._losses_without_backward > 0

    @property
    def _weights(self) -> list[Tensor]:
        return optimizer_parameters(self._optimizer)

    def before_loss(self, batch: Batch, make_step: Callable[[], Step]) -> None:
        """Look at what the loop has done since the last loss, and at its batch."""
        self._warnings.warn_if_weights_changed_elsewhere(self._weights, self._name)
        if self._has_gradients and not has_gradients(self._optimizer, look_inside=self._backward.replays):
            self.give_up()  # by model.zero_grad()
        self._warnings.before_loss(self._attached.model, self._forward, batch, make_step)
        self._follow_trainable()
        self._backward.follow_parameters(self._optimizer)

    @contextmanager
    def forward_stage(self, model: nn.Module, batch: Batch) -> Iterator[None]:
        """Run the forward stage in this context; if it fails, the model is as it was before."""
        self._backward.before(self._optimizer, self._position.backward_seed())
        try:
            with gradients_allowed(), batch_faults_named(model, batch):
                yield
        except BaseException:
            if not self._has_loss:  # otherwise the backward pass of an earlier loss may still need them
                self.undo_unfinished_step()
            raise

    def after_loss(self, model: nn.Module, batch: Batch, make_step: Callable[[], Step], loss: Tensor) -> None:
        """Remember a loss until the step; the arguments are those it was computed from."""
        self._losses_without_backward += 1
        if self._backward.replays:
            self._replay.record(model, batch, make_step, loss)
        loss.register_hook(self._on_backward)
        if not self._backward.moves_weights:
            self._warnings.remember_weights(self._weights)
        self._position.calls += 1

    def run_backward_stage(self) -> None:
        """Make the step: the backward stage updates the weights.

        Raises:
            UsageError: no loss of this step came from the method, or there are no gradients.
        """
        if not (self._has_loss or self._backward_only):
            raise UsageError(
                f"optimizer.step() without method.loss(...): {self._name} would train without its forward stage. "
                "Compute the loss with method.loss(batch) (your own loss function: loss_fn=...), or attach with "
                "backward_only=True."
            )
        if not has_gradients(self._optimizer):
            raise UsageError(
                "optimizer.step() without gradients: call backward() on the loss before it, and zero_grad() after it."
            )
        self._follow_trainable()
        self._warnings.warn_if_gradients_differ(self._weights)
        self._backward.follow_parameters(self._optimizer)
        seed, device = self._position.backward_seed(), self._weights[0].device
        with (
            gradients_allowed(),
            seeded(seed, device),
            self._warnings.warn_if_no_weight_changes(self._backward, self._optimizer),
        ):
            self._backward.update(self._optimizer, seed, self._replay)
        self._forward.release()
        self._replay.clear()
        self._warnings.forget_weights()
        self._start_step()
        self._position.steps += 1

    def give_up(self) -> None:
        """Make no step: the loop sets the gradients to zero.

        A loss whose backward pass is still to come belongs to the next step: loops in the order loss, zero_grad,
        backward, step (Lightning's, PyTorch's tutorials) set the gradients of a skipped step to zero after it.
        """
        if self._has_gradients:
            self._warnings.warn_if_weights_changed_elsewhere(self._weights, self._name)
            self._replay.discard_gradients()
            self._has_gradients = False
            if not self._has_loss:
                self._warnings.forget_weights()
                self._backward.discard(self._optimizer)

    def undo_unfinished_step(self) -> None:
        """Leave the model as it was before the step that the loop has not finished."""
        self._forward.release()
        self._backward.discard(self._optimizer)

    def on_new_parameters(self) -> None:
        """Look at the parameters again: the loop may have added, frozen or sharded some."""
        self._warnings.forget_weights()  # those of the last loss were fewer
        self._follow_trainable()

    def _follow_trainable(self) -> None:
        """Let the backward stage look again at the parameters if the loop has changed any."""
        if self._attached.take_change():
            reshard(self._attached.model)
            self._backward.attach(self._attached.model, self._optimizer)

    def _on_backward(self, _gradient: Tensor) -> None:
        if self._losses_without_backward:  # otherwise backward() runs a second time through one loss
            self._losses_without_backward -= 1
            self._has_gradients = True
