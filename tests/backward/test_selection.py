"""Ranks from a histogram, and the update probabilities that follow from them."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from scipy.stats import rankdata

from uegr.backward.selection import (
    BINS,
    EXACT_UP_TO,
    STRIDE,
    Selection,
    bin_of,
    bin_ranks,
    histogram,
    look_up,
    sample,
)


def exact_ranks(scores: torch.Tensor) -> torch.Tensor:
    """The readable reference of the histogram: a full sort; equal scores share their mean rank."""
    return torch.tensor((rankdata(scores.numpy(), method="average") - 1) / max(1, scores.numel() - 1))


@given(st.integers(1, 400), st.floats(1, 12), st.integers(0, 999))
def test_histogram_ranks_are_the_sorted_ones_within_half_a_bin(count: int, power: float, seed: int) -> None:
    scores = torch.rand(count, generator=torch.Generator().manual_seed(seed)) ** power
    bins = bin_of(scores)
    counts = histogram([bins])
    ranks = bin_ranks(counts)[bins.long()].double()
    bound = (counts[bins.long()] - 1) / 2 / max(1, count - 1)
    assert ((ranks - exact_ranks(scores)).abs() <= bound + 1e-6).all()


def test_ranks_of_many_scores_are_exact_to_a_thousandth() -> None:
    scores = torch.randn(200_000, generator=torch.Generator().manual_seed(0)).square()
    ranks = bin_ranks(histogram([bin_of(scores)]))[bin_of(scores).long()]
    assert (ranks.double() - exact_ranks(scores)).abs().max() < 2e-3


def test_bins_order_like_the_scores() -> None:
    scores = torch.cat([torch.zeros(1), torch.logspace(-40, 38, 500)]).sort().values
    bins = bin_of(scores)
    assert (bins.diff() >= 0).all()
    assert bins.max() < BINS


SELECTIONS = [
    Selection("sigmoid", alpha=0.6, beta=1.0),
    Selection("sigmoid", alpha=0.9, beta=10.0, p_min=0.01),
    Selection("linear", p_min=0.2),
]


@pytest.mark.parametrize("selection", SELECTIONS)
def test_probabilities_rise_with_the_rank_from_p_min_to_one(selection: Selection) -> None:
    p = selection.probabilities(torch.linspace(0, 1, 101))
    assert (p.diff() >= 0).all()
    assert p.min() >= selection.p_min
    assert p.max() <= 1


def test_sigmoid_is_that_of_roast() -> None:
    ranks = torch.tensor([0.0, 0.5, 1.0])
    expected = 1 / (1 + np.exp(-2 * 1.0 * (ranks.numpy() - 0.6)))
    np.testing.assert_allclose(Selection("sigmoid", alpha=0.6, beta=1.0).probabilities(ranks), expected, rtol=1e-6)


def test_ranks_from_a_sample_keep_to_the_bound_of_dvoretzky_kiefer_and_wolfowitz() -> None:
    """Two parameters of different scale, with more elements than are counted whole."""
    generator = torch.Generator().manual_seed(0)
    scores = [torch.randn(1024, 1536, generator=generator).square(), torch.rand(400_000, generator=generator) * 0.1]
    total = sum(score.numel() for score in scores)
    assert total > EXACT_UP_TO
    sampled = sample(scores)
    n = sum(score.numel() for score in sampled)
    assert n == pytest.approx(total / STRIDE, abs=2)
    ranks = bin_ranks(histogram([bin_of(score) for score in sampled]))
    exact = bin_ranks(histogram([bin_of(score) for score in scores]))
    present = histogram([bin_of(score) for score in scores]) > 0
    bound = np.sqrt(np.log(2 / 1e-3) / (2 * n))
    assert (ranks - exact).abs()[present].max() < bound
    assert len({int(i) % 1536 for i in range(0, 1024 * 1536, STRIDE)}) == 1536  # every column is visited


def test_top_share_takes_that_share_of_all_parameters_together() -> None:
    generator = torch.Generator().manual_seed(0)
    small, large = torch.rand(3000, generator=generator), torch.rand(1000, generator=generator) + 1
    table = Selection("top_share", share=0.25).table([small, large.view(10, 100)])
    assert look_up(table, bin_of(small)).sum() == 0
    assert look_up(table, bin_of(large.view(10, 100))).shape == (10, 100)
    assert look_up(table, bin_of(large)).all()


def test_top_share_is_not_drawn_and_not_rescaled() -> None:
    selection = Selection("top_share", share=0.3)
    assert set(selection.probabilities(torch.linspace(0, 1, 101)).tolist()) == {0.0, 1.0}
    assert not selection.is_drawn
    assert Selection("sigmoid").is_drawn


def test_linear_probabilities_go_from_p_min_to_one() -> None:
    p = Selection("linear", p_min=0.2).probabilities(torch.tensor([0.0, 0.5, 1.0]))
    torch.testing.assert_close(p, torch.tensor([0.2, 0.6, 1.0]))


def test_counts_of_other_processes_are_added() -> None:
    """Two processes that hold half of the scores each get the table of all scores."""
    scores = torch.rand(400, generator=torch.Generator().manual_seed(0))
    first, second = scores.chunk(2)
    whole = Selection().table([scores])
    counts = histogram([bin_of(second)])
    assert torch.equal(Selection().table([first], lambda own: own.add_(counts)), whole)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_score_that_is_no_number_has_a_bin(sign: float) -> None:
    """A processor's own NaN has the sign bit."""
    score = torch.tensor([float("nan"), 1.0]).copysign(torch.tensor([sign, 1.0]))
    assert 0 <= int(bin_of(score)[0]) < len(Selection().table([score]))
