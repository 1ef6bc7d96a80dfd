"""Statistics of the labels so far: the share of each label, or for regression the means of labels and of squares."""

from typing import Any

from torch import Tensor


class LabelStatistics:
    """Statistics of the labels. A step uses those of the steps before it.

    They are therefore the same whether the examples of a step come in one batch, in several accumulated batches or in
    several processes.
    """

    def __init__(self) -> None:
        self._past: Tensor | None = None
        self._present: Tensor | None = None
        self._step = -1

    def observe(self, counts: Tensor, step: int) -> Tensor | None:
        """Count one batch of this optimizer step, and return the statistics of the steps before it.

        Args:
            counts: of `TaskKind.label_counts`, over all processes, shape (1 + C,), the number of targets first.
            step: the number of optimizer steps made so far.

        Returns:
            Shape (C,), the counts divided by the number of targets; None in the first step.
        """
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
    if first.shape != second.shape:  # a checkpoint of an earlier version counted several numbers per example as one
        return second
    return first + second.to(first.device)
