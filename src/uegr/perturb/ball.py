"""The ball of allowed perturbations of the token embeddings: its norms, its radius and the projection onto it.

[ours: the norms and the relative epsilon.] Padding is never perturbed.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from uegr.errors import unknown
from uegr.modeling.embeddings import EmbeddingScale
from uegr.perturb.embedding_noise import draw_noise

Norm = Literal["l2", "l2_token", "linf"]
TINY = 1e-12
"""Keeps g/|g| finite where a gradient is exactly zero (then delta stays where it is)."""


@dataclass(frozen=True)
class Ball:
    """The set of allowed perturbations.

    Args:
        norm: "l2" per sequence, "l2_token" per token, "linf" per coordinate.
        relative: epsilon is a fraction of the model's mean token-embedding norm n [ours]: the radius is
            epsilon * n * sqrt(number of real tokens) for l2, epsilon * n for l2_token, and
            epsilon * n / sqrt(d) for linf, so that one epsilon moves a token about as far in all three.
            False: epsilon is the radius itself, in units of the embedding.
    """

    norm: Norm = "l2"
    relative: bool = True

    def __post_init__(self) -> None:
        if self.norm not in get_args(Norm):
            raise unknown("norm", self.norm, get_args(Norm))

    def unit(self, scale: EmbeddingScale, mask: Tensor) -> Tensor:
        """The radius for epsilon = 1, shape (B, 1, 1).

        Args:
            scale: the unit of a relative epsilon.
            mask: 1 on real tokens, (B, T, 1).
        """
        tokens = mask.sum(dim=1, keepdim=True)
        if not self.relative:
            return torch.ones_like(tokens)
        if self.norm == "l2":
            return scale.norm * tokens.sqrt()
        if self.norm == "linf":
            return torch.full_like(tokens, scale.norm / scale.width**0.5)
        return torch.full_like(tokens, scale.norm)

    def length(self, delta: Tensor) -> Tensor:
        """Size of delta (B, T, d) in this norm, broadcastable to delta's shape."""
        if self.norm == "l2":
            return delta.square().sum(dim=(1, 2), keepdim=True).sqrt()
        if self.norm == "l2_token":
            return delta.square().sum(dim=2, keepdim=True).sqrt()
        return delta.abs().amax(dim=(1, 2), keepdim=True)

    def project(self, delta: Tensor, radius: Tensor) -> Tensor:
        """The nearest point of the ball to delta (B, T, d): scale back for l2, clamp each coordinate for linf."""
        if self.norm == "linf":
            return torch.minimum(torch.maximum(delta, -radius), radius)
        return delta * (radius / self.length(delta).clamp_min(TINY)).clamp_max(1.0)

    def direction(self, gradient: Tensor) -> Tensor:
        """Steepest ascent of length 1 in this norm, shape of `gradient` (B, T, d): g/|g|, or its sign for linf."""
        if self.norm == "linf":
            return gradient.sign()
        return gradient / self.length(gradient).clamp_min(TINY)

    def ascend(self, delta: Tensor, gradient: Tensor, step: Tensor, radius: Tensor, mask: Tensor) -> Tensor:
        """One step of projected gradient ascent.

        Args:
            delta: where the step starts, shape (B, T, d).
            gradient: of the loss at delta, shape (B, T, d).
            step: length of the step, broadcastable to (B, 1, 1).
            radius: of the ball, shape (B, 1, 1).
            mask: 1 on real tokens, 0 on padding, which is never moved, shape (B, T, 1).
        """
        moved = delta.detach() + step * self.direction(gradient * mask)
        return self.project(moved, radius) * mask

    def random_point(self, radius: Tensor, mask: Tensor, width: int, generator: torch.Generator) -> Tensor:
        """A random point of the ball, (B, T, d), drawn on the CPU so that it is the same on every device.

        linf: uniform in the cube. l2: in a random direction, with a length uniform in [0, radius]. l2_token: each token
        in its own direction, all tokens of an example with the same length.

        Args:
            radius: of the ball, shape (B, 1, 1).
            mask, width, generator: see `draw_noise`.
        """
        cube = draw_noise("uniform", 1.0, mask, width, generator)
        share = torch.rand((len(mask), 1, 1), generator=generator).to(mask.device)
        if self.norm == "linf":
            return cube * radius
        return self.direction(cube) * radius * share


def token_max_norm(values: Tensor) -> Tensor:
    """The max norm of each token's vector, at least `TINY`: (B, T, 1) for values (B, T, d)."""
    return values.abs().amax(dim=-1, keepdim=True).clamp_min(TINY)
