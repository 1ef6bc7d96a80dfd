"""Slices through the loss along filter-normalised random directions (Li et al. 2018, arXiv 1712.09913)."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from uegr.evaluation.landscape.loss_surface import Surface


def filter_normalised_direction(surface: Surface, seed: int) -> Tensor:
    """A random direction in which each row of each weight matrix is as long as the weights' own, shape (n,).

    So a step of 1 changes every neuron by its own size, whatever the scale of its layer. Vectors (biases, norms) are
    not changed, as in the paper.
    """
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for weight in surface.parameters:
        noise = torch.randn(weight.shape, generator=generator).to(weight.device)
        if weight.dim() < 2:
            parts.append(torch.zeros_like(noise).flatten())
            continue
        noise_rows, weight_rows = noise.flatten(1), weight.detach().flatten(1)
        lengths = weight_rows.norm(dim=1) / noise_rows.norm(dim=1).clamp_min(1e-12)
        parts.append((noise_rows * lengths.unsqueeze(1)).flatten())
    return torch.cat(parts)


def slice_1d(
    surface: Surface, alphas: Sequence[float], accuracy: Callable[[], float], seed: int = 0
) -> dict[str, list[float]]:
    """Loss (nats) and accuracy at weights + alpha * d: {"alphas", "loss", "accuracy"}."""
    direction = filter_normalised_direction(surface, seed)
    losses, accuracies = [], []
    for alpha in alphas:
        with surface.moved(alpha * direction):
            losses.append(surface.loss())
            accuracies.append(accuracy())
    return {"alphas": list(alphas), "loss": losses, "accuracy": accuracies}


def slice_2d(surface: Surface, alphas: Sequence[float], betas: Sequence[float], seed: int = 0) -> dict[str, Any]:
    """Loss (nats) at weights + alpha * d1 + beta * d2: {"alphas", "betas", "loss": one list per alpha}."""
    first, second = (filter_normalised_direction(surface, seed + i) for i in (0, 1))
    grid = []
    for alpha in alphas:
        line = []
        for beta in betas:
            with surface.moved(alpha * first + beta * second):
                line.append(surface.loss())
        grid.append(line)
    return {"alphas": list(alphas), "betas": list(betas), "loss": grid}
