"""Adaptive dropout: every pass through the model is one sub-model, with dropout rates of its own.

[paper: k passes with dropout rates from a range, fixed combinations such as (0.1, 0.3) in its Figure 3;
ours: the five ways below of choosing them, feedback among them.]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from uegr.errors import UsageError, unknown
from uegr.modeling.dropout_sites import Rates

DropoutMode = Literal["combination", "spread", "step", "layer", "feedback"]


class AdaptiveDropout:
    """Chooses the rates of the k passes of a step.

    Args:
        passes: k >= 1.
        dropout: the range (lo, hi) with 0 <= lo <= hi < 1; for mode "combination" the k rates themselves.
        mode: "combination": pass i always has rate dropout[i]. "spread": k rates evenly over the range.
            "step": each pass draws a rate from the range, afresh each step. "layer": likewise, one rate a
            dropout site of the model. "feedback" [ours]: the k rates are spread over [lo, top], and top climbs towards
            hi while the sub-models diverge less than `target` and falls towards lo while they diverge more.
        target: the divergence that "feedback" steers to, in nats.
        gain: how far one step of "feedback" moves, as a share of the range.
    """

    def __init__(
        self,
        passes: int,
        dropout: Sequence[float],
        mode: DropoutMode = "spread",
        *,
        target: float = 0.02,
        gain: float = 0.02,
    ) -> None:
        _validate(passes, dropout, mode)
        self.passes, self.dropout, self.mode = passes, tuple(dropout), mode
        self.target, self.gain = target, gain
        self.opening = torch.tensor(0.5)  # where feedback stands between lo (0) and hi (1)

    @property
    def fixed(self) -> bool:
        """Whether the rates are the same at every step."""
        return self.mode in ("combination", "spread")

    def rates(self, sites: int, generator: torch.Generator) -> list[Rates]:
        """The rates of the k passes of one step, for a model with that many dropout sites."""
        if self.mode == "combination":
            return list(self.dropout)
        low, high = self.dropout
        if self.mode == "layer":
            return [self._draw(sites, generator) for _ in range(self.passes)]
        if self.mode == "step":
            return list(self._draw(self.passes, generator))
        if self.mode == "feedback":
            high = low + float(self.opening) * (high - low)
        if self.passes == 1:
            return [(low + high) / 2]
        return [low + (high - low) * i / (self.passes - 1) for i in range(self.passes)]

    def observe(self, divergence: Tensor) -> None:
        """Tell "feedback" how far the sub-models of this step diverged (a scalar, in nats)."""
        if self.mode == "feedback":
            agree = torch.sign(self.target - divergence.detach().float().cpu())
            self.opening = (self.opening + self.gain * agree).clamp(0.0, 1.0)

    def state_dict(self) -> dict[str, Any]:
        return {"opening": self.opening}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.opening = state["opening"]

    def _draw(self, count: int, generator: torch.Generator) -> list[float]:
        low, high = self.dropout
        drawn: list[float] = (low + (high - low) * torch.rand(count, generator=generator)).tolist()
        return drawn


def _validate(passes: int, dropout: Sequence[float], mode: str) -> None:
    if passes < 1:
        raise UsageError(f"passes must be at least 1, not {passes}.")
    if mode not in get_args(DropoutMode):
        raise unknown("dropout_mode", mode, get_args(DropoutMode))
    if any(not 0.0 <= rate < 1.0 for rate in dropout):
        raise UsageError(f"dropout rates must lie in [0, 1), not {tuple(dropout)}.")
    if mode == "combination":
        if len(dropout) != passes:
            raise UsageError(
                f"dropout_mode 'combination' needs one rate a pass: {passes} passes, but dropout={tuple(dropout)}."
            )
    elif len(dropout) != 2 or dropout[0] > dropout[1]:
        raise UsageError(f"dropout must be a range (low, high) with low <= high, not {tuple(dropout)}.")
