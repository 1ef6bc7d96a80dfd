"""Against closed forms and published examples."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from uegr.evaluation.statistics import (
    MANY_PAIRS,
    average_ranks,
    compare_paired,
    critical_difference,
    estimate,
    friedman_p,
    holm,
    paired_interval,
    permutation_p,
)


def test_t_interval_of_a_sample_by_hand() -> None:
    interval = estimate([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (interval.mean, interval.count) == (3.0, 5)
    assert interval.sd == pytest.approx(math.sqrt(2.5))
    assert interval.half == pytest.approx(2.7764451 * math.sqrt(2.5 / 5))  # t of a table, 4 degrees of freedom
    assert interval.low == pytest.approx(3.0 - interval.half)


def test_one_seed_has_no_interval_and_equal_ones_a_point() -> None:
    assert math.isnan(estimate([0.8]).half)
    assert estimate([0.8, 0.8]).half == 0.0


def test_paired_interval_is_that_of_bonett_and_price() -> None:
    more, fewer, count = 12, 5, 80  # examples that only the first, or only the second, has right
    differences = np.array([1.0] * more + [-1.0] * fewer + [0.0] * (count - more - fewer))
    low, high = paired_interval(differences)
    shares = (more + 1) / (count + 2), (fewer + 1) / (count + 2)
    middle = shares[0] - shares[1]
    half = 1.96 * math.sqrt((sum(shares) - middle**2) / (count + 2))
    assert (low, high) == pytest.approx((middle - half, middle + half), abs=0.003)  # Student's t for the normal
    no_difference = paired_interval(np.zeros(80))
    assert no_difference[0] < 0 < no_difference[1]
    assert paired_interval(np.ones(1)) == (-1.0, 1.0), "a difference of two shares is at most 1"


def test_intervals_cover_the_mean_as_often_as_they_say() -> None:
    """In 95 % of samples of 5."""
    generator = np.random.default_rng(0)
    t = [estimate(list(generator.normal(2.0, 3.0, 5))) for _ in range(2000)]
    assert np.mean([interval.low <= 2.0 <= interval.high for interval in t]) == pytest.approx(0.95, abs=0.015)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    adjusted = holm([0.01, float("nan"), 0.04])
    assert adjusted[0] == 0.02 and math.isnan(adjusted[1]) and adjusted[2] == 0.04


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_nothing_and_bonferroni(p_values: list[float]) -> None:
    for p, adjusted in zip(p_values, holm(p_values), strict=True):
        assert p <= adjusted <= min(1.0, len(p_values) * p) + 1e-12


def test_permutation_of_a_few_pairs_is_exact() -> None:
    assert permutation_p(np.ones(5)) == pytest.approx(2 / 32)
    assert permutation_p(np.array([3.0, 1.0, 0.0])) == pytest.approx(2 / 4)  # the pair of equals does not count
    assert permutation_p(np.zeros(4)) == 1.0


@settings(max_examples=15)
@given(st.integers(1, 40), st.integers(0, 40))
def test_permutation_of_wins_and_losses_is_the_sign_test(wins: int, losses: int) -> None:
    """Swapping pairs that differ by one is McNemar's exact test, which is a binomial test."""
    p = permutation_p(np.array([1.0] * wins + [-1.0] * losses))
    assert p == pytest.approx(stats.binomtest(wins, wins + losses).pvalue, abs=1e-12)


@pytest.mark.parametrize(("step", "tolerance"), [(1 / 20, 1e-12), (1 / math.pi**6, 0.02)])
def test_permutation_counts_all_swaps_of_differences_of_any_size(step: float, tolerance: float) -> None:
    """Means over five seeds and four radii; and numbers without a common step, which are rounded."""
    differences = np.array([3, -1, 7, 2, 2, -4, 5, 6, 1, 20, 0, -3]) * step + (0 if step == 1 / 20 else math.e / 999)
    signs = np.array(list(product([1, -1], repeat=len(differences))))
    by_hand = np.mean(np.abs(signs @ differences) > differences.sum() - 1e-9)
    assert permutation_p(differences) == pytest.approx(by_hand, abs=tolerance)


def test_permutation_of_many_differences_without_a_common_step() -> None:
    """Their total is normal, which takes no time and little memory; with one pair less they are rounded."""
    differences = np.random.default_rng(0).normal(0.05, 1.0, MANY_PAIRS)
    assert permutation_p(differences[1:]) == pytest.approx(permutation_p(np.append(differences[1:], 0.0)), rel=0.02)
    assert permutation_p(differences * 1e-9) == pytest.approx(permutation_p(differences), rel=1e-6)
    assert math.isnan(permutation_p(np.array([0.1, math.nan])))


def test_a_clear_difference_is_significant_among_ten_thousand() -> None:
    wins = np.repeat([0.6, -0.2, 0.0], [80, 20, 300])
    assert 1e-8 <= holm([permutation_p(wins)] + [1.0] * 9999)[0] < 0.001


def test_small_p_needs_seeds_and_examples() -> None:
    generator = np.random.default_rng(0)
    better = generator.random((5, 400)) < 0.9
    worse = generator.random((5, 400)) < 0.7
    sure = compare_paired(list(better.mean(1)), list(worse.mean(1)), better, worse)
    assert sure.p == max(sure.p_seeds, sure.p_examples or 0) < 0.001
    assert sure.difference.low < 0.2 < sure.difference.high
    # One lucky seed of five, on which every example is right: sure of the examples, not of the seeds.
    lucky = worse.copy()
    lucky[0] = True
    lone = compare_paired(list(lucky.mean(1)), list(worse.mean(1)), lucky, worse)
    assert lone.p_examples is not None and lone.p_examples < 0.001 < 0.3 < lone.p_seeds == lone.p
    # Three examples of 400 that every seed gains: as sure of the seeds as a sign test, and not of the examples.
    few = worse.copy()
    few[:, :3], worse[:, :3] = True, False
    three = compare_paired(list(few.mean(1)), list(worse.mean(1)), few, worse)
    assert three.p_seeds == 0.5**4 < 0.1 < three.p == three.p_examples


def test_a_few_equal_differences_prove_no_more_than_a_sign_test() -> None:
    assert compare_paired([0.75, 0.625], [0.5, 0.375]).p == 0.5
    assert compare_paired([1.0] * 8, [0.5] * 8).p == 0.5**7
    assert compare_paired([0.3, 0.4, 0.5], [0.2, 0.3, 0.4]).p == 0.25, "differences that are equal up to rounding"


def test_no_difference_is_found_rarely() -> None:
    """Under the null, p falls below 0.05 in no more than 5 % of comparisons."""
    generator = np.random.default_rng(1)
    rejections = 0
    for _ in range(60):
        easy = generator.beta(4, 1, 150)
        first, second = (generator.random((5, 150)) < easy for _ in range(2))
        rejections += compare_paired(list(first.mean(1)), list(second.mean(1)), first, second).p < 0.05
    assert rejections <= 6


def test_one_seed_and_no_outcomes() -> None:
    assert math.isnan(compare_paired([0.8], [0.7]).p)
    alone = compare_paired([0.8, 0.82, 0.81], [0.7, 0.73, 0.7])
    assert alone.p_examples is None
    assert alone.p == pytest.approx(stats.ttest_rel([0.8, 0.82, 0.81], [0.7, 0.73, 0.7]).pvalue)
    assert compare_paired([0.8, 0.8], [0.8, 0.8]).p == 1.0


def test_average_ranks_share_ties() -> None:
    assert average_ranks([[0.9, 0.8, 0.8], [0.5, 0.7, 0.6]]) == [2.0, 1.75, 2.25]
    in_two_orders = [float(np.mean(values)) for values in ([0.1, 0.2, 0.3], [0.3, 0.2, 0.1])]
    assert in_two_orders[0] != in_two_orders[1] and average_ranks([in_two_orders]) == [1.5, 1.5]


def test_the_critical_difference_is_that_of_demsar() -> None:
    # Demsar 2006, section 3.2.2: 4 classifiers on 14 data sets; q of 4 classifiers is 2.569.
    assert critical_difference(4, 14) == pytest.approx(2.569 * (4 * 5 / (6 * 14)) ** 0.5, abs=1e-3)


def test_the_friedman_test_sees_a_method_that_is_always_first() -> None:
    generator = np.random.default_rng(0)
    noise = generator.normal(size=(13, 5))
    assert friedman_p(noise.tolist()) > 0.05
    noise[:, 2] += 5
    assert friedman_p(noise.tolist()) < 0.01


def test_the_friedman_test_of_equal_methods_says_nothing() -> None:
    assert np.isnan(friedman_p([[0.5, 0.5, 0.5], [0.7, 0.7, 0.7]]))
