"""The attacked texts of the page, their marks, and the weakest parts of the data."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.sample_runs import sample
from uegr.report.changed_words import mark_changes
from uegr.report.explorer import FOOLED, HELD, SAMPLES_NOTE, UNTOUCHED, WRONG, explore
from uegr.report.run_groups import group_runs
from uegr.report.table_measures import first_measures, strongest_attack
from uegr.report.weak_slices import slice_tables

TEXTS = [
    {"label": "good", "before": "a fine film", "predicted_before": "good", "after": "a fime film", "predicted": "bad"},
    {"label": "bad", "before": "dull", "predicted_before": "bad", "after": None, "predicted": "bad"},
    {"label": "bad", "before": "so so", "predicted_before": "good", "after": None, "predicted": "good"},
]
SAMPLE = {"label": "good", "before": "a fine film", "after": "a fime film", "predicted": "bad"}


def attack(name: str = "deepwordbug", **changes: Any) -> dict[str, Any]:
    return {"attack": name, "examples": 3, "accuracy": 0.3, "samples": [SAMPLE], **changes}


@given(st.text("ab \n", max_size=20), st.text("ab \n", max_size=20))
def test_pieces_are_the_text_and_unmarked_ones_are_in_both(before: str, after: str) -> None:
    old, new = mark_changes(before, after)
    assert ("".join(text for text, _ in old), "".join(text for text, _ in new)) == (before, after)
    kept = ["".join(text for text, changed in pieces if not changed) for pieces in (old, new)]
    assert kept[0] == kept[1]


def test_changed_words_are_marked_whole() -> None:
    old, new = mark_changes("a truly fine film .", "a truly f1ne film .")
    assert old == [("a truly ", False), ("fine", True), (" film .", False)]
    assert new == [("a truly ", False), ("f1ne", True), (" film .", False)]


def test_every_attacked_text_has_its_outcome_and_the_same_text_stands_together() -> None:
    runs = [sample(method=name, text_attacks=[attack(texts=TEXTS[::-1])]) for name in ("plain", "uegr")]
    explorer = explore(group_runs(runs))
    assert [text.outcome for text in explorer.texts] == [FOOLED, FOOLED, WRONG, WRONG, HELD, HELD], "fooled first"
    assert [text.run for text in explorer.texts] == ["plain", "uegr"] * 3
    assert explorer.filters == {
        "run": ("model", ["plain", "uegr"]),
        "label": ("class", ["bad", "good"]),
        "outcome": ("outcome", [FOOLED, HELD, WRONG]),
    }, "one attack alone needs no filter"
    assert SAMPLES_NOTE not in explorer.note


def test_runs_that_hold_samples_only_say_so() -> None:
    explorer = explore(group_runs([sample(text_attacks=[attack(), attack("synonyms", texts=TEXTS)])]))
    assert [text.outcome for text in explorer.texts] == [FOOLED, FOOLED, HELD, WRONG]
    assert SAMPLES_NOTE in explorer.note
    assert explore(group_runs([sample()])).texts == []


def test_a_text_under_edits_of_the_training_says_so() -> None:
    runs = [
        sample(method=name, text_attacks=[attack(texts=TEXTS[:1], trained_on=name == "uegr")])
        for name in ("plain", "uegr")
    ]
    assert [(text.run, text.trained_on) for text in explore(group_runs(runs)).texts] == [
        ("plain", False),
        ("uegr", True),
    ]


def test_a_text_that_could_not_be_changed_was_not_held() -> None:
    texts = [{**TEXTS[1], "untouched": untouched} for untouched in (True, False)]
    explorer = explore(group_runs([sample(text_attacks=[attack(texts=texts)])]))
    assert [text.outcome for text in explorer.texts] == [UNTOUCHED, HELD]


def test_weak_parts_come_first_and_tiny_ones_not_at_all() -> None:
    def part(name: str, examples: int, accuracy: float) -> dict[str, Any]:
        return {"slice": name, "examples": examples, "accuracy": accuracy}

    parts = [part("easy", 50, 0.9), part("hard", 40, 0.5), part("tiny", 5, 0.0)]
    under = [attack(slices=[part("easy", 30, 0.1), part("hard", 20, 0.2)])]
    groups = group_runs([sample(slices=parts, text_attacks=under), sample(method="plain")])
    measures = first_measures(groups)
    alone = groups[:1]
    unchanged, attacked = slice_tables(alone, strongest_attack(measures, alone))
    assert [row[0] for row in unchanged["rows"]] == ["hard", "easy"]
    assert [row[0] for row in attacked["rows"]] == ["easy", "hard"]
    assert unchanged["rows"][0][1:] == ["40", "50.0 [35, 65]"]
    assert attacked["headings"][2] == "uegr, right %"
    under[0]["trained_on"] = True
    trained = group_runs([sample(slices=parts, text_attacks=under)])
    _, attacked = slice_tables(trained, strongest_attack(first_measures(trained), trained))
    assert attacked["headings"][2] == "uegr, right % (trained on such edits)"
    (both,) = slice_tables(groups, None)
    assert both["rows"][0][-1] == "–", "the other run was measured by an earlier version"
