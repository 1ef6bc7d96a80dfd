"""From saliency scores to what is updated: ranks, update probabilities, masks.

    r_j = rank(s_j) / (n - 1) in [0, 1], over all selectable parameters together
    p_j = update probability in [p_min, 1], increasing in r_j
    m_j ~ Bernoulli(p_j), or m_j = 1 where p_j >= 1/2 ("hard")

[paper: selective update of the most critical parameters, p_hat = min_j p_j; sigmoid form: RoAST, arXiv
2312.04032; linear and top share: ours.]

Ranks come from a histogram and not from a sort. A non-negative float32 orders like its own bits, so the
upper 16 bits (sign, exponent, 7 bits of mantissa) are a bin whose relative width is below 1 %; every element
of a bin gets the bin's mean rank. The error of a rank is at most half the share of elements in its bin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from uegr.errors import UsageError, unknown

Probability = Literal["sigmoid", "linear", "top_share"]
Draw = Literal["bernoulli", "hard"]
BINS = 1 << 15
LEVELS = 1 << 16
"""A probability is held as one of 65,536 levels, so that 16 random bits decide a Bernoulli draw exactly."""


@dataclass(frozen=True)
class Selection:
    """Update probabilities from ranks, and how a mask is drawn from them.

    Args:
        probability: "sigmoid": p = sigmoid(2 beta (r - alpha)). "linear": p = p_min + (1 - p_min) r.
            "top_share": 1 for the share of parameters with the highest saliency, p_min for the others.
        draw: "bernoulli" draws a fresh mask each step; "hard" updates exactly where p >= 1/2.
        alpha, beta: threshold and steepness of the sigmoid (RoAST: 0.6 / 1 and 0.9 / 10).
        share: rho of "top_share", in (0, 1].
        p_min: p_hat, the smallest update probability, in (0, 1]; the bound of Theorem 1 grows as 1/p_hat.
    """

    probability: Probability = "sigmoid"
    draw: Draw = "bernoulli"
    alpha: float = 0.6
    beta: float = 1.0
    share: float = 0.3
    p_min: float = 0.1

    def __post_init__(self) -> None:
        for name, value, kinds in (
            ("probability", self.probability, Probability),
            ("draw", self.draw, Draw),
        ):
            if value not in get_args(kinds):
                raise unknown(name, value, get_args(kinds))
        for name, number in (("share", self.share), ("p_min", self.p_min)):
            if not 0.0 < number <= 1.0:
                raise UsageError(f"{name} must lie in (0, 1], not {number}.")

    def probabilities(self, ranks: Tensor) -> Tensor:
        """Update probability of ranks in [0, 1], elementwise, in [p_min, 1]."""
        if self.probability == "sigmoid":
            p = torch.sigmoid(2.0 * self.beta * (ranks - self.alpha))
        elif self.probability == "linear":
            p = self.p_min + (1.0 - self.p_min) * ranks
        else:
            p = torch.where(ranks >= 1.0 - self.share, 1.0, self.p_min)
        return p.clamp(self.p_min, 1.0)

    def levels(
        self, scores: Iterable[Tensor], add_up: Callable[[Tensor], object] = lambda counts: None
    ) -> list[Tensor]:
        """What `draw_mask` draws from: update probabilities of all scores, ranked together, one tensor a
        score and of its shape; int16 levels for "bernoulli", the bool mask itself for "hard". `add_up` adds to
        the counts of this process those of others that hold other parts of the parameters."""
        bins = [bin_of(score) for score in scores]
        if not bins:
            return []
        counts = histogram(bins)
        add_up(counts)
        p = self.probabilities(bin_ranks(counts))
        table = p >= 0.5 if self.draw == "hard" else level_of(p)
        return [table.index_select(0, one.flatten()).view(one.shape) for one in bins]


def bin_of(score: Tensor) -> Tensor:
    """Index of each score's histogram bin: the upper 16 bits of the float32, int32, in [0, 32768)."""
    return score.contiguous().view(torch.int32) >> 16


def histogram(bins: list[Tensor]) -> Tensor:
    """Number of elements in each bin over all tensors, shape (32768,)."""
    total = torch.zeros(BINS, dtype=torch.int64, device=bins[0].device)
    for one in bins:
        total += torch.bincount(one.flatten(), minlength=BINS)
    return total


def bin_ranks(counts: Tensor) -> Tensor:
    """Mean rank, scaled to [0, 1], of the elements in each bin, float32, shape (32768,)."""
    below = counts.cumsum(0) - counts
    n = counts.sum()
    return ((below + (counts - 1) / 2.0) / (n - 1).clamp_min(1)).float()


def level_of(p: Tensor) -> Tensor:
    """The int16 level of a probability in (0, 1]: a random int16 selects when it is not above the level."""
    return ((p * LEVELS).round().clamp(1, LEVELS) - (LEVELS // 2 + 1)).to(torch.int16)


def probability_of(level: Tensor) -> Tensor:
    """The probability with which `draw_mask` selects: exact for levels, 1 or 0 for a hard mask; float32."""
    if level.dtype == torch.bool:
        return level.float()
    return (level.float() + (LEVELS // 2 + 1)) / LEVELS


def draw_mask(level: Tensor, generator: torch.Generator) -> Tensor:
    """A mask of the levels' shape, bool; one 64-bit random number serves four elements."""
    if level.dtype == torch.bool:
        return level
    words = torch.empty(-(-level.numel() // 4), dtype=torch.int64, device=level.device)
    words.random_(torch.iinfo(torch.int64).min, None, generator=generator)
    return words.view(torch.int16)[: level.numel()].view(level.shape) <= level
