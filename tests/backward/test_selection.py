from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from scipy.stats import rankdata

from uegr.backward.selection import BINS, Selection, bin_of, bin_ranks, draw_mask, histogram, level_of, probability_of
from uegr.errors import UsageError


def exact_ranks(scores: torch.Tensor) -> torch.Tensor:
    """The readable twin of the histogram: a full sort, ties share their mean rank."""
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
    Selection("top_share", share=0.3),
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


@given(st.floats(1e-4, 1.0))
def test_levels_hold_a_probability_to_half_a_level(p: float) -> None:
    back = float(probability_of(level_of(torch.tensor([p]))))
    assert back == pytest.approx(p, abs=0.5 / 65536 + 1e-7)
    assert back > 0


@pytest.mark.parametrize("p", [0.1, 0.5, 0.97, 1.0])
def test_masks_select_with_that_probability(p: float) -> None:
    level = level_of(torch.full((400_003,), p))
    share = draw_mask(level, torch.Generator().manual_seed(0)).float().mean()
    assert float(share) == pytest.approx(p, abs=5 * (p * (1 - p) / 400_000) ** 0.5 + 1e-9)


def test_mask_bits_are_independent_of_their_neighbours() -> None:
    level = level_of(torch.full((200_000,), 0.5))
    mask = draw_mask(level, torch.Generator().manual_seed(1)).float() - 0.5
    for lag in range(1, 9):
        assert abs(float((mask[lag:] * mask[:-lag]).mean())) < 0.005


def test_top_share_takes_that_share_of_all_parameters_together() -> None:
    generator = torch.Generator().manual_seed(0)
    small, large = torch.rand(3000, generator=generator), torch.rand(1000, generator=generator) + 1
    masks = Selection("top_share", "hard", share=0.25).levels([small, large.view(10, 100)])
    assert masks[0].sum() == 0
    assert masks[1].shape == (10, 100)
    assert masks[1].all()


def test_hard_draws_nothing_and_has_no_fractions() -> None:
    (mask,) = Selection("linear", "hard", p_min=0.1).levels([torch.arange(100.0)])
    assert mask.dtype == torch.bool
    assert draw_mask(mask, torch.Generator()) is mask
    assert set(probability_of(mask).tolist()) == {0.0, 1.0}


def test_senseless_settings_are_refused() -> None:
    for make in (
        lambda: Selection("steep"),  # type: ignore[arg-type]
        lambda: Selection(draw="coin"),  # type: ignore[arg-type]
        lambda: Selection(share=0.0),
        lambda: Selection(p_min=1.5),
    ):
        with pytest.raises(UsageError):
            make()
