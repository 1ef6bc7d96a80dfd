"""The adversary: projected gradient ascent on the token embeddings.

    delta* ~ argmax_{|delta| <= epsilon} sum_i CE(f(e + delta)_i, y_i)
    delta <- Proj_epsilon(delta + step * g / |g|)

[paper: adversarial samples; ours: the norms, the relative epsilon.] The loss is sum-reduced, so an example's
delta never depends on the batch it sits in, and padding is never perturbed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from uegr.errors import UsageError, unknown
from uegr.modeling.embeddings import EmbeddingScale

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
        """The radius that epsilon = 1 stands for, shape (B, 1, 1); `mask` is 1 on real tokens, (B, T, 1)."""
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
        """The nearest point of the ball: scale back for l2, clamp each coordinate for linf."""
        if self.norm == "linf":
            return torch.minimum(torch.maximum(delta, -radius), radius)
        return delta * (radius / self.length(delta).clamp_min(TINY)).clamp_max(1.0)

    def direction(self, gradient: Tensor) -> Tensor:
        """Steepest ascent of length 1 in this norm: g/|g|, or its sign for linf."""
        if self.norm == "linf":
            return gradient.sign()
        return gradient / self.length(gradient).clamp_min(TINY)

    def ascend(self, delta: Tensor, gradient: Tensor, step: Tensor, radius: Tensor, mask: Tensor) -> Tensor:
        """One step of projected gradient ascent; never moves padding. Shapes (B, T, d) and (B, 1, 1)."""
        moved = delta.detach() + step * self.direction(gradient * mask)
        return self.project(moved, radius) * mask

    def random_point(self, shape: torch.Size, radius: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
        """A random start: uniform in the cube, drawn on the CPU so that it is the same on every device, then
        scaled for l2 to a length uniform in [0, radius]."""
        cube = torch.empty(shape).uniform_(-1.0, 1.0, generator=generator)
        share = torch.rand((shape[0], 1, 1), generator=generator)
        cube, share = cube.to(mask.device) * mask, share.to(mask.device)
        if self.norm == "linf":
            return cube * radius
        return self.direction(cube) * radius * share


@dataclass(frozen=True)
class ProjectedAscent:
    """K steps of projected gradient ascent inside a ball.

    Args:
        ball: norm and unit of the perturbation.
        steps: K >= 1 steps.
        step_size: length of a step as a share of the radius; None takes 1 for one step and 2.5/K for more,
            so that the steps together can cross the ball [ours, after Madry et al., arXiv 1706.06083].
        random_start: start from a random point of the ball and not from its centre.
    """

    ball: Ball
    steps: int = 1
    step_size: float | None = None
    random_start: bool = False

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise UsageError(f"adversary steps must be at least 1, not {self.steps}.")
        if self.step_size is not None and self.step_size <= 0:
            raise UsageError(f"step_size must be above 0, not {self.step_size}.")

    def perturb(
        self,
        gradient_at: Callable[[Tensor], Tensor],
        radius: Tensor,
        mask: Tensor,
        start: Tensor,
        first_gradient: Tensor | None = None,
    ) -> Tensor:
        """The perturbation after K steps from `start`, shape (B, T, d), detached.

        Args:
            gradient_at: gradient of the sum-reduced loss with respect to delta, at delta.
            radius: (B, 1, 1).
            mask: (B, T, 1), 1 on real tokens.
            start: where to begin; zeros for the centre.
            first_gradient: the gradient at `start` if somebody has it already (it saves one pass).
        """
        share = self.step_size or (1.0 if self.steps == 1 else 2.5 / self.steps)
        delta = start
        for i in range(self.steps):
            known = first_gradient if i == 0 else None
            gradient = gradient_at(delta) if known is None else known
            delta = self.ball.ascend(delta, gradient, share * radius, radius, mask)
        return delta
