"""How often each label came in the training so far, or the mean of the numbers: what a constant prediction can know."""

from typing import Any

import torch.distributed as dist
from torch import Tensor


class LabelShares:
    """Counts of labels; a step sees those of the steps before it.

    So a step means the same in one batch, in several that are accumulated, and in several processes, whose counts are
    added up: all of them must attack equally often, as they must go forward equally often for their gradients to meet.
    """

    def __init__(self) -> None:
        self._past: Tensor | None = None
        self._present: Tensor | None = None
        self._step = -1

    def observe(self, counts: Tensor, step: int) -> Tensor | None:
        """Count one batch of this optimizer step, and return the shares in the steps before.

        Args:
            counts: of `TaskKind.label_counts`, shape (1 + C,), the number of targets first; they become those of all
                processes.
            step: the number of optimizer steps made so far.

        Returns:
            Shape (C,), the counts divided by the number of targets; None in the first step.
        """
        if dist.is_available() and dist.is_initialized():
            dist.all_reduce(counts)
        if step != self._step:
            self._past, self._present, self._step = _sum(self._past, self._present), None, step
        self._present = _sum(self._present, counts)
        if self._past is None:
            return None
        self._past = self._past.to(counts.device)
        return self._past[1:] / self._past[0].clamp_min(1.0)

    def state_dict(self) -> dict[str, Any]:
        return {"past": self._past, "present": self._present, "step": self._step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._past, self._present, self._step = state["past"], state["present"], state["step"]


def _sum(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    if first is None or second is None:
        return second if first is None else first
    return first + second.to(first.device)
