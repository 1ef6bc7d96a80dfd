"""The sentence of the report that says which group is better."""

from __future__ import annotations

from dataclasses import replace

from support.report_samples import attacked, first_right, measure_named, pair, told
from support.sample_runs import RUN, full, sample
from uegr.report.first_table import first_chart, table_note, table_rows
from uegr.report.group_difference import group_interval
from uegr.report.run_groups import group_runs, wilson
from uegr.report.table_measures import first_measures


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
