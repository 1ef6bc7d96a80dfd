"""Random noise on token embeddings, drawn on the CPU so that it is the same on every device."""

from typing import Literal

import torch
from torch import Tensor

Distribution = Literal["uniform", "positive", "normal"]


def draw_noise(
    distribution: Distribution, scale: float, mask: Tensor, width: int, generator: torch.Generator
) -> Tensor:
    """Random numbers on real tokens, 0 on padding, shape (B, T, d).

    Args:
        distribution: "uniform" in [-scale, scale], "positive": uniform in [0, scale], or "normal" with mean 0.
        scale: largest absolute value, or the standard deviation of "normal".
        mask: 1 on real tokens, (B, T, 1).
        width: d.
        generator: on the CPU.
    """
    noise = torch.empty((*mask.shape[:2], width))
    if distribution == "normal":
        noise.normal_(0.0, scale, generator=generator)
    else:
        noise.uniform_(0.0 if distribution == "positive" else -scale, scale, generator=generator)
    return noise.to(mask.device) * mask


def length_scaled_noise(magnitude: float, mask: Tensor, width: int, generator: torch.Generator) -> Tensor:
    """Magnitude / sqrt(T d) * U(-1, 1), shape (B, T, d): noise whose size does not depend on the length of a text.

    T is the number of real tokens of an example, and `magnitude` about sqrt(3) times the l2 length of its noise. For
    the other arguments see `draw_noise`.
    """
    size = magnitude / (mask.sum(dim=1, keepdim=True) * width).clamp_min(1.0).sqrt()
    return size * draw_noise("uniform", 1.0, mask, width, generator)
