"""Random noise on token embeddings whose size does not depend on the length of a text."""

import torch
from torch import Tensor


def uniform_noise(mask: Tensor, width: int, magnitude: float, generator: torch.Generator) -> Tensor:
    """Magnitude / sqrt(T d) * U(-1, 1) on real tokens, 0 on padding, shape (B, T, d).

    Args:
        mask: 1 on real tokens, (B, T, 1); T is the number of real tokens of an example.
        width: d.
        magnitude: about sqrt(3) times the l2 length of an example's noise.
        generator: on the CPU, so that the draw is the same on every device.
    """
    cube = torch.empty((*mask.shape[:2], width)).uniform_(-1.0, 1.0, generator=generator).to(mask.device)
    size = magnitude / (mask.sum(dim=1, keepdim=True) * width).clamp_min(1.0).sqrt()
    return size * cube * mask
