"""A loss whose gradients are known already: it hands them over when backward() is called.

A stage that differentiates its passes one by one (FreeLB needs each pass's input gradient anyway) has the weight
gradients before the user's loop asks for them. Carried by the loss they still arrive through autograd, so gradient
accumulation, the 1/N of an accumulating loop, a GradScaler's factor and the all-reduce hooks of DDP see what they
always see.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class _Carried(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, gradients: Sequence[Tensor | None], *parameters: Tensor) -> Tensor:
        ctx.gradients = gradients
        return value.clone()

    @staticmethod
    def backward(ctx: Any, factor: Tensor) -> tuple[Tensor | None, ...]:
        gradients, ctx.gradients = ctx.gradients, None
        return (None, None, *(None if gradient is None else gradient * factor for gradient in gradients))


def carry(value: Tensor, parameters: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> Tensor:
    """`value` as a loss whose backward() gives `gradients[i]`, times the factor that reaches it, to `parameters[i]`.

    Args:
        value: scalar, detached.
        parameters: leaves that require a gradient.
        gradients: one of each parameter's shape, or None where the loss does not depend on it.
    """
    loss: Tensor = _Carried.apply(value, list(gradients), *parameters)  # type: ignore[no-untyped-call]
    return loss


def add_up(summed: list[Tensor | None], gradients: Sequence[Tensor | None]) -> None:
    """Add one pass's gradients to the sum of the passes before; None stands for no gradient yet."""
    for i, new in enumerate(gradients):
        old = summed[i]
        if new is not None:
            summed[i] = new if old is None else old + new  # not in place: two parameters may share one gradient


def trainable(model: torch.nn.Module) -> list[Tensor]:
    """The model's parameters that require a gradient."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]
