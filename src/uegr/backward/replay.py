"""The batches of one optimizer step, to be run again: for stages that need a second gradient.

SAM needs the gradient at perturbed weights, ROSE the gradient of another loss. A replay runs the passes again with the
same seeds, under the same autocast, and runs backward with the factors by which the user's loop had scaled the losses,
so gradient accumulation works as it does for one gradient.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.forward.forward_stage import ForwardStage
from uegr.forward.model_pass import run_stage
from uegr.forward.step_inputs import Batch, Step
from uegr.modeling.data_parallel import average_gradients
from uegr.modeling.float16_gradients import computed_in_float16
from uegr.modeling.model_parts import device_of
from uegr.modeling.set_aside_gradients import gradients_set_aside, weights_of_others


@dataclass
class _RecordedLoss:
    model: nn.Module
    batch: Batch
    make_step: Callable[[], Step]
    device: str
    autocast: bool
    dtype: torch.dtype
    factor: Tensor | None = None


@dataclass
class Replay:
    """Records the losses of a step; `backward` computes them again.

    Args:
        forward: the method's own forward stage.
        optimizer: the user's own; gradients of weights that it does not hold stay as they are.
    """

    forward: ForwardStage
    optimizer: torch.optim.Optimizer
    losses: list[_RecordedLoss] = field(default_factory=list)
    _has_seen_a_loss: bool = False

    def record(self, model: nn.Module, batch: Batch, make_step: Callable[[], Step], loss: Tensor) -> None:
        """Remember a loss; `make_step()` returns its `Step`, with the generator in its initial state."""
        device = device_of(model, batch).type
        autocast, dtype = torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)
        check_precision(fp16=autocast and dtype == torch.float16)
        if not self._has_seen_a_loss:  # autocast may be inside the model, where accelerate and Fabric put it
            check_precision(fp16=computed_in_float16(loss))
            self._has_seen_a_loss = True
        recorded = _RecordedLoss(model, batch, make_step, device, autocast, dtype)
        loss.register_hook(lambda factor: setattr(recorded, "factor", factor.detach()))
        self.losses.append(recorded)

    def backward(self, forward: ForwardStage | None = None) -> None:
        """Add the gradients of all losses, with another forward stage if one is given, to those of the weights.

        Raises:
            UsageError: no loss was recorded, because the stage does not say that it `replays`.
        """
        if not self.losses:
            raise UsageError("there is no batch to run again: write replays = True in the class of the backward stage.")
        model = self.losses[0].model
        with gradients_set_aside(weights_of_others(model, self.optimizer)):
            for recorded in self.losses:
                if recorded.factor is None:  # the loop skipped this batch: its loss never ran backward
                    continue
                with torch.enable_grad(), torch.autocast(recorded.device, recorded.dtype, enabled=recorded.autocast):
                    step = recorded.make_step()
                    loss = run_stage(forward or self.forward, recorded.model, recorded.batch, step).value
                loss.backward(recorded.factor)
            average_gradients(model, self.optimizer)

    def discard_gradients(self) -> None:
        """Forget the losses whose gradients were just set to zero; one whose backward pass has not run yet stays."""
        self.losses = [recorded for recorded in self.losses if recorded.factor is None]

    def clear(self) -> None:
        """Forget the losses: the step is made."""
        self.losses.clear()


def check_precision(*, fp16: bool) -> None:
    """Refuse a training with fp16: its GradScaler unscales the gradients once, before the replay.

    Raises:
        UsageError: the training uses fp16.
    """
    if fp16:
        raise UsageError(
            "this method computes a second gradient inside optimizer.step(), which a GradScaler cannot scale: "
            "train with bf16 or float32 instead of fp16."
        )
