"""The batches of one optimizer step, to be gone through again: for stages that need a second gradient.

SAM asks for the gradient at perturbed weights, ROSE for the gradient of another loss. A replay makes the passes
again with the same seeds, under the autocast they were made under, and backs them with the factors the user's own
loop had put on their losses, so gradient accumulation works as it does for one gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.forward.forward_stage import Batch, ForwardStage, Step


@dataclass
class _Pass:
    model: nn.Module
    batch: Batch
    step: Callable[[], Step]
    device: str
    autocast: bool
    dtype: torch.dtype
    factor: Tensor | None = None


@dataclass
class Replay:
    """Records passes as they are made; `backward` makes them again.

    Args:
        forward: the method's own forward stage.
    """

    forward: ForwardStage
    passes: list[_Pass] = field(default_factory=list)

    def record(self, model: nn.Module, batch: Batch, step: Callable[[], Step], loss: Tensor) -> None:
        """Remember a pass; `step()` gives its step anew, generator at the start.

        Raises:
            UsageError: under fp16, whose gradients only the user's GradScaler can scale.
        """
        device = batch["labels"].device.type
        autocast, dtype = torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)
        if autocast and dtype == torch.float16:
            raise UsageError(
                "this method computes a second gradient inside optimizer.step(), which a GradScaler cannot scale: "
                "train with bf16 or float32 instead of fp16."
            )
        one = _Pass(model, batch, step, device, autocast, dtype)
        loss.register_hook(lambda factor: setattr(one, "factor", factor.detach()))
        self.passes.append(one)

    def backward(self, forward: ForwardStage | None = None) -> None:
        """Add the gradients of all passes, with another forward stage if one is given, to the weights' own."""
        for one in self.passes:
            with torch.enable_grad(), torch.autocast(one.device, one.dtype, enabled=one.autocast):
                loss = (forward or self.forward)(one.model, one.batch, one.step()).value
            loss.backward(one.factor)

    def clear(self) -> None:
        """Forget the passes: the step is made."""
        self.passes.clear()
