"""Differences between two groups of runs, and their intervals, against numbers that are known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.report_samples import COUNT, measure_named, pair, told
from support.sample_runs import RUN, sample
from uegr.evaluation.statistics import estimate
from uegr.report.first_table import table_rows
from uegr.report.group_difference import difference_between, group_interval
from uegr.report.run_groups import group_runs, wilson
from uegr.report.table_measures import first_measures


def test_a_difference_is_claimed_only_where_its_interval_excludes_zero() -> None:
    assert "uegr is right on 25.0 % of the texts and plain on 20.0 %: 5.0 points more" in told(pair(40, 50))
    claimed, chance = (told(pair(40, more)).split(";")[0] for more in (50, 43))
    assert "not shown" not in claimed
    assert "1.5 points more" in chance and chance.endswith("so a difference is not shown")


def test_the_interval_of_a_share_counts_the_examples_of_the_run_that_has_it() -> None:
    """Only the second seed was attacked."""
    attacked_run = pair(40, 50, seed=1)[0]
    groups = group_runs([sample(method="plain", text_attacks=[]), attacked_run])
    measure = measure_named([attacked_run], "misspelt")
    assert group_interval(groups[0], measure) == pytest.approx(wilson(0.2, COUNT))


def test_paired_outcomes_give_a_narrower_interval_than_shares_alone() -> None:
    runs = pair(40, 50)
    measure = measure_named(runs, "misspelt")
    plain, uegr = group_runs(runs)
    paired = difference_between(uegr, plain, measure)
    other_seed = group_runs(pair(40, 50, seed=1))[1]
    independent = difference_between(other_seed, plain, measure)
    assert paired is not None and independent is not None
    assert (paired.judgement, independent.judgement) == ("better", "not shown")
    assert paired.value == independent.value == pytest.approx(0.05)
    # Newcombe's interval from Wilson's, which a textbook writes as the root of a sum of squares.
    low, high = wilson(0.2, COUNT)[1] - 0.2, 0.25 - wilson(0.25, COUNT)[0]
    assert independent.low == pytest.approx(0.05 - (low**2 + high**2) ** 0.5)


def test_several_seeds_are_compared_seed_by_seed() -> None:
    runs = []
    for seed, (plain, uegr) in enumerate([(0.70, 0.74), (0.60, 0.65), (0.80, 0.83)]):
        for method, accuracy in (("plain", plain), ("uegr", uegr)):
            runs.append(sample(method=method, seed=seed, metrics={**RUN["metrics"], "accuracy": accuracy}))
    reference, other = group_runs(runs)
    difference = difference_between(other, reference, measure_named(runs, "unchanged"))
    by_hand = estimate([0.04, 0.05, 0.03])
    assert difference is not None
    assert (difference.low, difference.high) == pytest.approx((by_hand.low, by_hand.high))
    assert difference.judgement == "better", "although the seeds differ more among each other"


def test_intervals_hold_possible_values_only() -> None:
    """Student's interval over two seeds is wide."""
    accuracies = {"plain": (0.98, 1.0), "uegr": (0.0, 0.9)}
    runs = [
        sample(method=method, seed=seed, metrics={**RUN["metrics"], "accuracy": accuracy})
        for method, values in accuracies.items()
        for seed, accuracy in enumerate(values)
    ]
    plain, uegr = group_runs(runs)
    measure = measure_named(runs, "unchanged")
    assert group_interval(plain, measure) == (pytest.approx(0.99 - 12.7062 * 0.01), 1.0)
    assert group_interval(uegr, measure) == (0.0, 1.0)
    difference = difference_between(uegr, plain, measure)
    assert difference is not None and (difference.low, difference.high) == (-1.0, 1.0)


def test_a_correlation_can_be_negative_and_an_error_above_1() -> None:
    curve = {name: value for name, value in RUN["robustness"].items() if name != "accuracy"}
    runs = [
        sample(
            seed=seed,
            metric="mse",
            metrics={"mse": 4.0 + seed},
            robustness={**curve, "pearson": [0.5, 0.2 - seed, 0.2 - seed]},
        )
        for seed in range(2)
    ]
    (group,) = group_runs(runs)
    low, high = group_interval(group, measure_named(runs, "unchanged"))
    assert (low, high) == (0.0, pytest.approx(4.5 + 12.7062 * 0.5))
    assert group_interval(group, measure_named(runs, "embeddings")) == (-1.0, 1.0)


def test_where_seeds_differ_the_means_are_those_of_the_difference() -> None:
    """Plain has a third seed, on which it is much better."""
    values = [("plain", 0, 0.80), ("plain", 1, 0.81), ("plain", 2, 0.95), ("uegr", 0, 0.85), ("uegr", 1, 0.87)]
    runs = [
        sample(method=method, seed=seed, text_attacks=[], metrics={**RUN["metrics"], "accuracy": accuracy})
        for method, seed, accuracy in values
    ]
    groups = group_runs(runs)
    verdict = told(runs)
    assert "on unchanged texts, on the 2 seeds that both have, uegr is right on 86.0 % of the texts" in verdict
    assert "and plain on 80.5 %: 5.5 points more [" in verdict
    _, rows = table_rows(groups, groups[0], first_measures(groups))
    plain, uegr, difference = rows[0][1:]
    assert (plain, uegr) == ("85.3", "86.0")
    assert difference.splitlines()[0].startswith("+5.5 [")
    assert difference.splitlines()[2:] == ["on the 2 seeds that both have:", "86.0 against 80.5"]
    third = sample(method="sam", text_attacks=[], metrics={**RUN["metrics"], "accuracy": 0.9})
    assert "(no interval, on the 2 seeds that both have); sam" in told([*runs, third])


def test_other_data_of_the_same_name_is_not_compared() -> None:
    plain, uegr = pair(40, 50)
    on_films, on_messages = replace(plain, test_digest="f1"), replace(uegr, test_digest="5a")
    measure = measure_named([plain, uegr], "misspelt")
    for reference, other, compared in ((plain, uegr, 1), (on_films, uegr, 1), (on_films, on_messages, 0)):
        groups = group_runs([reference, other])
        assert (difference_between(groups[1], groups[0], measure) is not None) == compared
    assert "better" not in told([on_films, on_messages])


def test_equal_differences_of_several_seeds_are_no_certainty() -> None:
    runs = [run for seed in range(2) for run in pair(40, 41, seed=seed)]
    plain, uegr = group_runs(runs)
    difference = difference_between(uegr, plain, measure_named(runs, "misspelt"))
    assert difference is not None and difference.value == pytest.approx(1 / COUNT)
    assert difference.low < 0 < difference.high and difference.judgement == "not shown"
    untested = [
        sample(method=method, seed=seed, metrics={**RUN["metrics"], "ece": ece})
        for method, ece in (("plain", 0.2), ("uegr", 0.1))
        for seed in range(2)
    ]
    groups = group_runs(untested)
    calibration = difference_between(groups[1], groups[0], measure_named(untested, "calibration"))
    assert calibration is not None and calibration.judgement == "no interval"


def test_less_is_better_for_the_calibration_error() -> None:
    runs = [
        sample(method=method, seed=seed, metrics={**RUN["metrics"], "ece": ece * (1 + seed / 10)})
        for method, ece in (("plain", 0.1), ("uegr", 0.03))
        for seed in range(3)
    ]
    groups = group_runs(runs)
    difference = difference_between(groups[1], groups[0], measure_named(runs, "calibration"))
    assert difference is not None and difference.value == pytest.approx(-0.077)
    assert difference.judgement == "better"
