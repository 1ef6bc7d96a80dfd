"""The chart of changed text."""

from __future__ import annotations

from typing import Any

from support.report_samples import charts
from support.sample_runs import sample, samples


def test_the_caption_counts_the_texts_that_an_attack_could_not_change() -> None:
    attacks = [{"attack": name, "accuracy": 1.0, "examples": 9, "untouched": n} for name, n in (("a", 4), ("b", 0))]
    caption = charts(samples(text_attacks=attacks))["text-attacks"].caption
    assert "Texts that an attack could not change, which count as right: a 4." in caption
    assert "could not change" not in charts(samples())["text-attacks"].caption


def test_deletion_is_a_line_over_the_bars_of_misspelt_words() -> None:
    attacks = [
        {"attack": name, "accuracy": value, "examples": 50} for name, value in (("deepwordbug", 0.6), ("deletion", 0.4))
    ]
    chart = charts(samples(text_attacks=attacks))["text-attacks"]
    axes = chart.figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["clean text", "typing errors", "deepwordbug"]
    assert [row[0] for row in chart.rows] == ["clean text", "typing errors", "deepwordbug", "deletion"]
    assert chart.rows[3][2] == "40.0"
    bar, line = (mark for mark in chart.marks if mark.text.startswith("uegr, de"))
    assert (bar.x, line.x) == (60, 40) and bar.y == line.y
    assert "Vertical lines: accuracy under deletion; a model that ignores misspelt words" in chart.caption
    alone = charts(samples(text_attacks=attacks[1:]))["text-attacks"]
    assert "Vertical lines" not in alone.caption
    assert alone.figure.axes[0].get_yticklabels()[-1].get_text() == "deletion", "nothing to compare it with"


def test_attacks_with_other_options_have_rows_of_their_own() -> None:
    def attack(name: str, accuracy: float, **options: float) -> dict[str, Any]:
        return {"attack": name, "accuracy": accuracy, "examples": 50, "options": options}

    plain = [attack("deepwordbug", 0.6, max_share=0.3), attack("deletion", 0.4, max_share=0.3)]
    uegr = [
        {**attack("deepwordbug", 0.5, max_share=0.8), "temperature": 1.5},
        attack("deepwordbug", 0.7, max_share=0.8),
    ]
    runs = [sample(method="plain", text_attacks=plain), sample(text_attacks=uegr)]
    chart = charts(runs)["text-attacks"]
    assert [row[:3] for row in chart.rows[2:]] == [
        ["deepwordbug (max share 0.3)", "60.0", "–"],
        ["deletion", "40.0", "–"],
        ["deepwordbug calibrated", "–", "50.0"],
        ["deepwordbug (max share 0.8)", "–", "70.0"],
    ]
    assert "Vertical lines" in chart.caption
    other = [attack("deepwordbug", 0.6, max_share=0.3), attack("deletion", 0.4, max_share=0.5)]
    assert "Vertical lines" not in charts([sample(text_attacks=other)])["text-attacks"].caption, "not the same search"


def test_edits_of_the_training_and_the_size_of_the_changes_stand_at_the_figure() -> None:
    attack = {"attack": "deepwordbug", "accuracy": 0.6, "trained_on": True, "words_changed": 0.125, "similarity": 0.914}
    attack |= {"options": {"similarity": 0.8}}
    chart = charts(samples(text_attacks=[attack], typo_trained_on=True))["text-attacks"]
    assert "Trained on such edits: uegr under typing errors, deepwordbug." in chart.caption
    assert chart.headings[3:] == [
        "words changed %, plain",
        "words changed %, uegr",
        "cosine to the text before (its limit), plain",
        "cosine to the text before (its limit), uegr",
    ]
    assert chart.rows[-1][3:] == ["–", "12.5", "–", "0.91 (0.8)"]
    plain = charts(samples(text_attacks=[{**attack, "trained_on": False}]))["text-attacks"]
    assert "rained on" not in plain.caption
