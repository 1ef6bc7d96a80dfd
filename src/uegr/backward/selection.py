"""From saliency scores to what is updated: ranks, update probabilities, masks.

    r_j = rank(s_j) / (n - 1) in [0, 1], over all selectable parameters together
    p_j = update probability in [p_min, 1], increasing in r_j,   m_j ~ Bernoulli(p_j)

[paper: selective update of the most critical parameters, p_hat = min_j p_j; sigmoid form: RoAST, arXiv
2312.04032; linear and top share: ours.]

Ranks come from a histogram and not from a sort. Non-negative float32 numbers have the same order as their bits, so the
upper 16 bits (sign, exponent, 7 bits of mantissa) are a bin whose relative width is below 1 %; every element of a bin
gets the bin's mean rank. The error of a rank is at most half the share of elements in its bin. `sample` takes one
element in `STRIDE` of a large model. This adds an error that stays below sqrt(log(2/q) / 2n) with probability 1 - q for
n sampled elements (Dvoretzky, Kiefer and Wolfowitz): 0.0017 for a model of 22 million and q = 1/1000.

The result of a ranking is a table, bin -> update probability; the bin of an element can be read off its score at any
time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Probability = Literal["sigmoid", "linear", "top_share"]
BINS = 1 << 15
STRIDE = 17
"""It divides no usual width, so a sample contains elements of all columns of a matrix."""
EXACT_UP_TO = 1 << 20
"""In models with at most this many selectable elements, all are counted."""


@dataclass(frozen=True)
class Selection:
    """Update probabilities from ranks.

    Args:
        probability: "sigmoid": p = sigmoid(2 beta (r - alpha)). "linear": p = p_min + (1 - p_min) r.
            "top_share": 1 for the share of parameters with the highest saliency, 0 for the others.
        alpha, beta: threshold and steepness of the sigmoid (RoAST: 0.6 / 1 and 0.9 / 10).
        share: rho of "top_share", in (0, 1].
        p_min: p_hat, in (0, 1]; smaller probabilities of "sigmoid" and "linear" are raised to it. The sigmoid's own
            smallest is sigmoid(-2 alpha beta), 0.23 by default.
    """

    probability: Probability = "sigmoid"
    alpha: float = 0.6
    beta: float = 1.0
    share: float = 0.3
    p_min: float = 0.1

    @property
    def is_drawn(self) -> bool:
        """Whether masks are drawn, so that dividing by p makes the update unbiased."""
        return self.probability != "top_share"

    def probabilities(self, ranks: Tensor) -> Tensor:
        """Update probability of ranks in [0, 1], elementwise."""
        if self.probability == "top_share":
            return (ranks >= 1.0 - self.share).float()
        if self.probability == "sigmoid":
            p = torch.sigmoid(2.0 * self.beta * (ranks - self.alpha))
        else:
            p = self.p_min + (1.0 - self.p_min) * ranks
        return p.clamp(self.p_min, 1.0)

    def table(self, scores: Sequence[Tensor], add_up: Callable[[Tensor], object] = lambda counts: None) -> Tensor:
        """Update probability of every bin, from the ranks of all scores together: float32, shape (32768,).

        Args:
            scores: of each parameter: all elements, or the sample that `sample` takes.
            add_up: adds the counts of the processes that hold other parts of the parameters, in place.
        """
        if not scores:  # a frozen body: there is nothing to select
            return torch.ones(BINS)
        counts = histogram([bin_of(score) for score in scores])
        add_up(counts)
        return self.probabilities(bin_ranks(counts))


def sample(scores: Sequence[Tensor]) -> list[Tensor]:
    """The scores that are counted, flat: all scores of a small model, one in `STRIDE` of a large model."""
    stride = STRIDE if sum(score.numel() for score in scores) > EXACT_UP_TO else 1
    return [score.flatten()[::stride] for score in scores]


def bin_of(score: Tensor) -> Tensor:
    """Index of each score's histogram bin: the upper 16 bits of the float32, int32, in [0, 32768)."""
    bins = score.contiguous().view(torch.int32) >> 16
    return bins.bitwise_and_(BINS - 1)  # NaN, whose rank means nothing, may have the sign bit


def histogram(bins: Sequence[Tensor]) -> Tensor:
    """Number of elements in each bin over all tensors, shape (32768,)."""
    total = torch.zeros(BINS, dtype=torch.int64, device=bins[0].device)
    for bins_of_tensor in bins:
        total += torch.bincount(bins_of_tensor.flatten(), minlength=BINS)
    return total


def bin_ranks(counts: Tensor) -> Tensor:
    """Mean rank, scaled to [0, 1], of the elements in each bin, float32, shape (32768,)."""
    below = counts.cumsum(0) - counts
    n = counts.sum()
    return ((below + (counts - 1).clamp_min(0) / 2.0) / (n - 1).clamp_min(1)).float()


def look_up(table: Tensor, bins: Tensor) -> Tensor:
    """The table's entry for each bin, in the shape of `bins`."""
    return table.index_select(0, bins.flatten()).view(bins.shape)
