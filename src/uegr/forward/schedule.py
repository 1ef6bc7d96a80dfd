"""Which optimizer steps pay for a stage, and which are plain ones: cost below the arithmetic of a step [ours]."""

from __future__ import annotations

from dataclasses import dataclass

from uegr.errors import UsageError

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

    def full(self, step: int, total_steps: int | None) -> bool:
        """Whether this optimizer step, of so many, pays for the whole stage."""
        total = STEPS_WITHOUT_TOTAL if total_steps is None else total_steps
        return step >= self.warmup * total and step % self.every == 0

    @property
    def a_full_step(self) -> int:
        """A full step past every ramp and warm-up of a training whose length nobody told."""
        return -(-STEPS_WITHOUT_TOTAL // self.every) * self.every

    @property
    def share(self) -> float:
        """The share of full steps among all."""
        return (1.0 - self.warmup) / self.every
