"""Gradients in float16, which rounds what is below 6e-8 to 0: a GradScaler prevents that where it reaches the loss."""

from typing import Any

import torch
from torch import Tensor

LARGEST_SCALE = 1024.0
"""Keeps gradients down to 6e-11. A weight's gradient may then be up to 64 before float16 overflows."""
LARGEST_LOSS = 2.0**20
"""The scale is the same for all losses above it."""
EXPONENT_BITS = 0x7F800000
"""Of a number in float32."""


def loss_scale(loss: Tensor) -> Tensor:
    """What to multiply a mean loss by before a stage differentiates it itself, where no GradScaler has multiplied it.

    A power of two, so that dividing the gradients by it afterwards changes no digit in float32 and bfloat16. It is
    smaller for a loss above 1, such as that of a regression on prices, whose gradients are large.

    Args:
        loss: a scalar in float32.
    """
    return LARGEST_SCALE / power_of_two(loss.detach().float().abs().clamp(1.0, LARGEST_LOSS))


def power_of_two(magnitude: Tensor) -> Tensor:
    """The largest power of two that is not above each value, which is positive and in float32.

    Dividing by it changes no digit. It reads the bits, because not every device has `torch.frexp`.
    """
    return (magnitude.view(torch.int32) & EXPONENT_BITS).view(torch.float32)


def computed_in_float16(loss: Tensor) -> bool:
    """Whether any part of a loss was computed in float16, whether autocast is around or inside the model."""
    nodes: list[Any] = [loss.grad_fn]
    seen = set(nodes)
    while nodes:
        node = nodes.pop()
        if node is None:
            continue
        if any(output.dtype == torch.float16 for output in getattr(node, "_input_metadata", ())):
            return True
        new = {child for child, _ in node.next_functions} - seen
        seen |= new
        nodes.extend(new)
    return False
