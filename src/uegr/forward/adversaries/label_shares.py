"""How often each label has come in training so far, or which numbers: what a model that looks at nothing can know."""

from __future__ import annotations

from typing import Any

import torch.distributed as dist
from torch import Tensor


class LabelShares:
    """Counts of labels, of which a step sees those of the steps before it.

    So a step means the same in one batch, in several that are accumulated, and in several processes, whose counts are
    added up: all of them must attack equally often, as they must go forward equally often for their gradients to meet.
    """

    def __init__(self) -> None:
        self._past: Tensor | None = None
        self._present: Tensor | None = None
        self._step = -1

    def observe(self, tally: Tensor, step: int) -> Tensor | None:
        """Count one batch of this optimizer step, and tell the shares in those before.

        Args:
            tally: of `Objective.tally`, number of targets and, of each label, how many of them have it, shape (1 + C,);
                for numbers their sum and that of their squares, shape (3,). It becomes that of all processes.
            step: number of optimizer steps made so far.

        Returns:
            Shape (C,), each in [0, 1], or (2,) of numbers; None in the first step.
        """
        if dist.is_available() and dist.is_initialized():
            dist.all_reduce(tally)
        if step != self._step:
            self._past, self._present, self._step = _sum(self._past, self._present), None, step
        self._present = _sum(self._present, tally)
        if self._past is None:
            return None
        self._past = self._past.to(tally.device)
        return self._past[1:] / self._past[0].clamp_min(1.0)

    def state_dict(self) -> dict[str, Any]:
        return {"past": self._past, "present": self._present, "step": self._step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._past, self._present, self._step = state["past"], state["present"], state["step"]


def _sum(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other.to(one.device)
