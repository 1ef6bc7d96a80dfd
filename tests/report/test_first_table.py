"""The first table, its intervals and the verdict, against numbers that are known."""

from __future__ import annotations

import copy

import pytest

from support.report_samples import attacked, first_right, measure_named
from support.sample_runs import RUN, sample
from uegr.report.figures.catalogue import draw
from uegr.report.first_table import first_chart, table_note, table_rows
from uegr.report.group_difference import reference_of
from uegr.report.run_groups import group_runs
from uegr.report.table_measures import MOST_MEASURES, first_measures, strongest_attack


def test_runs_of_one_method_on_other_data_are_two_groups() -> None:
    films, messages, unknown = (sample(seed=seed, test_digest=digest) for seed, digest in enumerate(("f1", "5a", None)))
    assert [group.label for group in group_runs([films, messages])] == ["uegr, data f1", "uegr, data 5a"]
    assert [len(group.runs) for group in group_runs([films, messages, unknown])] == [3]


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
