"""Which optimizer steps pay for a stage, and which are plain ones: cost below the arithmetic of a step [ours]."""

from __future__ import annotations

from dataclasses import dataclass

from uegr.errors import UsageError
from uegr.forward.stage import Step

STEPS_WITHOUT_TOTAL = 200
"""Length of a training where nobody told: about 2,000 examples, 3 epochs."""


@dataclass(frozen=True)
class Schedule:
    """Full steps now and then.

    Args:
        every: a full step every so many optimizer steps; those between are plain.
        warmup: all steps of this first share of the training are plain.
    """

    every: int = 1
    warmup: float = 0.0

    def __post_init__(self) -> None:
        if self.every < 1:
            raise UsageError(f"every must be at least 1 step, not {self.every}.")
        if not 0.0 <= self.warmup < 1.0:
            raise UsageError(f"warmup is a share of the training and must lie in [0, 1), not {self.warmup}.")

    def full(self, step: Step) -> bool:
        """Whether this optimizer step pays for the whole stage."""
        total = STEPS_WITHOUT_TOTAL if step.total_steps is None else step.total_steps
        return step.step >= self.warmup * total and step.step % self.every == 0

    @property
    def share(self) -> float:
        """The share of full steps among all."""
        return (1.0 - self.warmup) / self.every
