"""A loss that carries gradients computed earlier, and delivers them when backward() is called.

A stage that differentiates its passes one by one (FreeLB needs the input gradient of each pass anyway) has the weight
gradients before the user's loop calls backward(). The loss then delivers them through autograd, so that gradient
accumulation, the 1/N of an accumulating loop, the factor of a GradScaler and the all-reduce hooks of DDP work as usual.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from uegr.errors import UsageError


class _Carried(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, value: Tensor, gradients: Sequence[Tensor | None], scale: Tensor, *parameters: Tensor
    ) -> Tensor:
        ctx.gradients, ctx.scale = gradients, scale
        return value.clone()

    @staticmethod
    def backward(ctx: Any, factor: Tensor) -> tuple[Tensor | None, ...]:
        gradients, ctx.gradients = ctx.gradients, None
        if gradients is None:
            raise UsageError(
                "backward() was called twice on one loss, whose gradients are delivered once: compute the loss again."
            )
        factor = factor / ctx.scale
        return (None, None, None, *(None if gradient is None else gradient * factor for gradient in gradients))


def carry(value: Tensor, parameters: Sequence[Tensor], gradients: Sequence[Tensor | None], scale: Tensor) -> Tensor:
    """A loss whose backward() adds `gradients[i] / scale`, times the incoming gradient, to that of `parameters[i]`.

    Args:
        value: the loss, a detached scalar.
        parameters: leaves that require a gradient.
        gradients: one per parameter, of its shape; None where the loss does not depend on the parameter. They are
            delivered once, and then freed.
        scale: what the loss was multiplied by when it was differentiated, see `loss_scale`.

    Raises:
        UsageError: in a second backward().
    """
    loss: Tensor = _Carried.apply(value, list(gradients), scale, *parameters)  # type: ignore[no-untyped-call]
    return loss


def add_up(summed: list[Tensor | None], gradients: Sequence[Tensor | None]) -> None:
    """Add the gradients of one pass to `summed`, entry by entry; None means no gradient."""
    for i, new in enumerate(gradients):
        old = summed[i]
        if new is not None:
            summed[i] = new if old is None else old + new  # not in place: two parameters may share one gradient
