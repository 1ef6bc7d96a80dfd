"""The first table, its intervals and the verdict, against numbers that are known."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from support.sample_runs import RUN, full, sample
from uegr.evaluation.packed_outcomes import pack_bits
from uegr.evaluation.statistics import estimate
from uegr.report.figures.catalogue import draw
from uegr.report.first_table import first_chart, table_note, table_rows
from uegr.report.group_difference import difference_between, group_interval, reference_of
from uegr.report.run_groups import group_runs, wilson
from uegr.report.story_measures import MOST_MEASURES, StoryMeasure, first_measures, strongest_attack
from uegr.report.verdict import verdict_of
from uegr.runs.run_result import RunResult

COUNT = 200


def attacked(name: str, hits: np.ndarray) -> dict[str, Any]:
    return {"attack": name, "examples": len(hits), "accuracy": float(hits.mean()), "outcomes": pack_bits(hits)}


def first_right(count: int) -> np.ndarray:
    return np.arange(COUNT) < count


def pair(plain: int, uegr: int, **changes: Any) -> list[RunResult]:
    """Two runs that are right on the first texts under DeepWordBug; every text right on one is right on the other."""
    return [
        sample(method=method, text_attacks=[attacked("deepwordbug", first_right(count))], **changes)
        for method, count in (("plain", plain), ("uegr", uegr))
    ]


def told(runs: list[RunResult]) -> str:
    groups = group_runs(runs)
    return verdict_of(groups, reference_of(groups), first_measures(groups)).replace("\u00a0", " ")


def measure_named(runs: list[RunResult], part: str) -> StoryMeasure:
    return next(measure for measure in first_measures(group_runs(runs)) if part in measure.name)


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


def test_runs_of_one_method_on_other_data_are_two_groups() -> None:
    films, messages, unknown = (sample(seed=seed, test_digest=digest) for seed, digest in enumerate(("f1", "5a", None)))
    assert [group.label for group in group_runs([films, messages])] == ["uegr, data f1", "uegr, data 5a"]
    assert [len(group.runs) for group in group_runs([films, messages, unknown])] == [3]


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


def test_typing_errors_of_two_rates_are_not_compared() -> None:
    runs = [sample(method="plain", typo_rate=0.3), sample(typo_rate=0.05), sample(seed=1, typo_rate=0.3)]
    groups = group_runs(runs)
    assert [group.seeds for group in groups] == ["seed 0", "seed 0", "seed 1"], (
        "the two of UEGR are no seeds of one group"
    )
    rows = {row[0]: row[1:] for row in table_rows(groups, groups[0], first_measures(groups))[1]}
    assert rows["texts with typing errors"][:3] == ["75.0", "–", "–"]
    assert rows["texts with typing errors at rate 0.05"][:3] == ["–", "75.0", "–"]
    alike = [sample(typo_rate=0.3), sample(typo_rate=0.05)]
    assert [group.label for group in group_runs(alike)] == [
        "uegr, typing errors at the usual rate",
        "uegr, typing errors at rate 0.05",
    ]
    chart = {chart.name: chart for charts in draw(alike).values() for chart in charts}["text-attacks"]
    assert [row[0] for row in chart.rows] == ["clean text", "typing errors", "typing errors at rate 0.05"]


def test_edits_of_the_training_are_named_in_the_verdict_and_marked_in_the_table() -> None:
    plain, uegr = pair(40, 60, typo_trained_on=True)
    uegr = replace(uegr, text_attacks=[replace(uegr.text_attacks[0], trained_on=True)])
    plain = replace(plain, typo_trained_on=False)
    assert "uegr (trained on such edits) is right on 30.0 % of the texts and plain on 20.0 %" in told([plain, uegr])
    assert "on unchanged texts uegr is right" in told([plain, uegr])
    sam = replace(plain, method="sam")
    assert "; uegr (trained on such edits) +10.0" in told([plain, sam, uegr])
    assert "uegr (trained on such edits) is right on 30.0 %" in told([uegr])
    groups = group_runs([plain, uegr])
    measures = first_measures(groups)
    rows = {row[0]: row[1:3] for row in table_rows(groups, groups[0], measures)[1]}
    assert rows["texts with typing errors"] == ["75.0", "75.0 *"]
    assert rows["words misspelt by an attacker (DeepWordBug)"] == ["20.0", "30.0 *"]
    assert rows["unchanged texts"] == ["80.0", "80.0"]
    assert table_note(groups, measures).endswith("*: trained on such edits.")
    chart = first_chart(groups, measures)
    assert (
        chart is not None
        and "Trained on such edits: uegr under “texts with typing errors”, “words mis" in chart.caption
    )
    assert "trained on" not in table_note(groups[:1], measures)


def test_telling_lengths_are_named_under_the_table() -> None:
    telling = {"length_baseline": {"accuracy": 0.9, "auc": 0.95}}
    for others, beginning in ((telling, " Length alone: a class"), ({}, " uegr: length alone: a class")):
        groups = group_runs([sample(**telling), sample(method="plain", **others)])
        note = table_note(groups, first_measures(groups))
        assert f"{beginning}ifier that sees nothing but the lengths of the texts reaches 90.0 % accuracy" in note
        assert note.count("ength alone") == 1


def test_words_left_out_stay_beside_words_misspelt() -> None:
    attacks = [attacked(name, first_right(i)) for i, name in enumerate(("a", "deepwordbug", "b", "c", "d", "deletion"))]
    for given, shown in (
        (attacks, ["a", "deepwordbug", "deletion"]),
        ([attacks[0], *attacks[2:]], ["a", "b", "c"]),
        (attacks[:5], ["a", "deepwordbug", "b"]),
    ):
        measures = first_measures(group_runs([sample(text_attacks=given)]))
        assert len(measures) == MOST_MEASURES
        assert [(measure.attack_key or "").split()[0] for measure in measures if measure.attack_key] == shown


def test_the_table_has_seven_rows_of_which_attacks_are_the_strongest() -> None:
    attacks = [attacked(f"attack{i}", first_right(10 * i + 10)) for i in range(9)]
    groups = group_runs([sample(method=name, text_attacks=copy.deepcopy(attacks)) for name in ("uegr", "plain")])
    reference, measures = reference_of(groups), first_measures(groups)
    headings, rows = table_rows(groups, reference, measures)
    assert headings == ["", "plain", "uegr", "difference"], "plain is the reference wherever it stands"
    assert len(rows) == MOST_MEASURES
    assert [row[0] for row in rows if "text changed" in row[0]] == [f"text changed by attack{i}" for i in range(3)]
    strongest = strongest_attack(measures, groups)
    assert strongest is not None and strongest.name.endswith("attack0")
    chart = first_chart(groups, measures)
    assert chart is not None
    assert len(chart.rows) == MOST_MEASURES - 1, "a calibration error is no share of right answers"


def test_many_rates_of_typing_errors_leave_room_for_the_strongest_attack() -> None:
    attacks = [attacked(f"attack{i}", first_right(10 * i + 10)) for i in range(9)]
    runs = [
        sample(text_attacks=copy.deepcopy(attacks), typo_rate=rate, metrics={**RUN["metrics"], "typo_accuracy": 0.7})
        for rate in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
    ]
    groups = group_runs(runs)
    measures = first_measures(groups)
    assert len(measures) == MOST_MEASURES
    strongest = strongest_attack(measures, groups)
    assert strongest is not None and strongest.name.endswith("attack0")


def test_the_row_of_the_embeddings_is_the_mean_of_the_curve_above_zero() -> None:
    runs = [sample(method="plain"), sample()]
    measure = measure_named(runs, "embeddings")
    assert measure.value(runs[0]) == pytest.approx(0.5)
    other_ball = sample(robustness={**RUN["robustness"], "norm": "linf"})
    measure = measure_named([runs[0], other_ball], "embeddings")
    assert measure.value(other_ball) is None, "radii of another norm mean something else"


def test_runs_on_other_tasks_are_not_compared() -> None:
    runs = [sample(method="plain"), sample(task="sst2")]
    groups = group_runs(runs)
    _, rows = table_rows(groups, groups[0], first_measures(groups))
    assert all(row[-1] == "–" for row in rows)
    assert "sst2" not in told(runs)


def test_one_run_alone_says_what_it_reaches_and_where_it_is_weakest() -> None:
    parts = [{"slice": "class a", "examples": 30, "accuracy": 0.5}, {"slice": "tiny", "examples": 3, "accuracy": 0.0}]
    sentence = told([full(slices=parts, test_examples=1000)])
    assert sentence.startswith("On unchanged texts uegr is right on 80.0 % of the texts [77.4, 82.4]")
    assert "words replaced by synonyms, uegr is right on 30.0 %" in sentence
    assert sentence.endswith("it is weakest on “class a”: 50.0 % of 30 texts.")
    (group,) = group_runs([full(test_examples=1000)])
    assert group_interval(group, measure_named([group.first], "unchanged")) == wilson(0.8, 1000)


def test_many_methods_are_told_in_one_sentence() -> None:
    sentence = told([*pair(40, 60), sample(method="sam", text_attacks=[attacked("deepwordbug", first_right(41))])])
    assert "plain is right on 20.0 % of the texts" in sentence
    assert "(better); sam +0.5 [" in sentence and sentence.endswith("(not shown).")


def test_differences_of_a_metric_that_is_no_share_are_not_called_points() -> None:
    not_attacked = {"attack": "pgd", "norm": "l2", "relative": True, "epsilons": [0.0], "pearson": [0.8]}
    errors = {"plain": 0.3, "uegr": 0.2, "sam": 0.25}
    runs = [
        sample(method=name, metric="mse", metrics={"mse": error}, robustness=not_attacked)
        for name, error in errors.items()
    ]
    assert "the others against it: uegr -0.1" in told(runs)


def test_another_task_than_classification_is_told_in_its_own_metric() -> None:
    curve = {name: value for name, value in RUN["robustness"].items() if name != "accuracy"}
    changes = {"metric": "pearson", "robustness": {**curve, "pearson": [0.8, 0.6, 0.4]}}
    metrics = {"pearson": 0.8, "mse": 0.3, "typo_pearson": 0.7}
    runs = [sample(method=name, metrics=metrics, **changes) for name in ("plain", "uegr")]
    sentence = told(runs)
    assert "reaches 50.0 and plain 50.0 (pearson %)" in sentence
    assert "without an interval, so a difference is not shown" in sentence
    groups = group_runs(runs)
    assert first_chart(groups, first_measures(groups)) is None


def test_the_attack_that_all_runs_share_comes_before_stronger_ones() -> None:
    of_plain = [{"attack": name, "accuracy": value} for name, value in zip("abcd", (0.2, 0.3, 0.35, 0.5), strict=True)]
    runs = [sample(method="plain", text_attacks=of_plain), sample(text_attacks=[{"attack": "d", "accuracy": 0.7}])]
    measures = first_measures(group_runs(runs))
    strongest = strongest_attack(measures, group_runs(runs))
    assert strongest is not None and strongest.name == "text changed by d"


def test_searches_of_one_attack_are_told_apart() -> None:
    attacks = [
        {"attack": "synonyms", "accuracy": 0.2, "options": {"max_share": 0.5}, "split": "validation"},
        {"attack": "synonyms", "accuracy": 0.3, "options": {"max_share": 0.5}},
        {"attack": "synonyms", "accuracy": 0.4, "options": {"max_share": 0.3}},
    ]
    runs = [sample(text_attacks=attacks[:2]), sample(method="plain", text_attacks=attacks[2:])]
    names = [measure.name for measure in first_measures(group_runs(runs)) if measure.attack_key]
    assert sorted(names) == [
        "words replaced by synonyms (max share 0.3)",
        "words replaced by synonyms (max share 0.5)",
        "words replaced by synonyms on validation data",
    ]
