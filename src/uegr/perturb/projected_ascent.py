"""Projected gradient ascent on the token embeddings, for training and for every attack.

    delta* ~ argmax_{|delta| <= epsilon} sum_i CE(f(e + delta)_i, y_i)
    delta <- Proj_epsilon(delta + step * g / |g|)

[paper: adversarial samples.] The loss is sum-reduced, so an example's delta never depends on the other examples of its
batch, and padding is never perturbed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor

from uegr.errors import UsageError
from uegr.perturb.ball import Ball

GradientAt: TypeAlias = Callable[[Tensor], Tensor]
"""From a perturbation (B, T, d) to the gradient of the sum-reduced loss there, of the same shape."""


@dataclass(frozen=True)
class ProjectedAscent:
    """K steps of projected gradient ascent inside a ball.

    Args:
        ball: norm and unit of the perturbation.
        steps: K >= 1 steps.
        step_size: length of a step as a share of the radius; None takes 1 for one step and 2.5/K for more,
            so that the steps together can cross the ball [ours, after Madry et al., arXiv 1706.06083].

    Raises:
        UsageError: fewer than one step, or a step size that is not above 0.
    """

    ball: Ball
    steps: int = 1
    step_size: float | None = None

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise UsageError(f"adversary steps must be at least 1, not {self.steps}.")
        if self.step_size is not None and self.step_size <= 0:
            raise UsageError(f"step_size must be above 0, not {self.step_size}.")

    def perturb(
        self, gradient_at: GradientAt, radius: Tensor, mask: Tensor, start: Tensor, first_gradient: Tensor | None = None
    ) -> Tensor:
        """Return the perturbation after K steps from `start`, shape (B, T, d), detached.

        Args:
            gradient_at: called once per step with the perturbation so far; an example whose gradient is 0 stays.
            radius: (B, 1, 1).
            mask: (B, T, 1), 1 on real tokens.
            start: where the ascent starts; zeros for the centre.
            first_gradient: the gradient at `start`, where the caller has it already; it saves one pass.
        """
        step = (self.step_size or (1.0 if self.steps == 1 else 2.5 / self.steps)) * radius
        delta = start
        for i in range(self.steps):
            gradient = gradient_at(delta) if i > 0 or first_gradient is None else first_gradient
            delta = self.ball.ascend(delta, gradient, step, radius, mask)
        return delta
