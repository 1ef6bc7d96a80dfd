"""Random gradients, for stages that are called without a loss."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def adamw(model: nn.Module, **changes: Any) -> torch.optim.AdamW:
    """AdamW with a weight decay that a test can see."""
    return torch.optim.AdamW(model.parameters(), **{"lr": 0.01, "weight_decay": 0.1, **changes})


def set_gradients(model: nn.Module, seed: int, power: float = 0.0) -> None:
    """Give every parameter a normal gradient, the same for every model; a power above 0 spreads their sizes."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        gradient = torch.randn(parameter.shape, generator=generator)
        parameter.grad = gradient * torch.rand(parameter.shape, generator=generator) ** power if power else gradient
