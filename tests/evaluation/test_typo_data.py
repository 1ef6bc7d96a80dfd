"""Typing errors in a data set."""

from __future__ import annotations

from datasets import Dataset

from uegr.evaluation.typo_data import rows_without_typos, typo_rows


def test_typos_are_the_same_for_every_model(rows: Dataset) -> None:
    first, second = (typo_rows(rows, ["text"], 0.5)["text"] for _ in range(2))
    assert first[:] == second[:]
    assert first[:] != rows["text"][:]


def test_texts_of_short_words_only_have_no_typing_errors() -> None:
    rows = Dataset.from_dict({"text": ["all", "see it", "I am", "!?", "egg"], "title": ["", "", "to", "", ""]})
    assert rows_without_typos(rows, ["text"]) == rows_without_typos(rows, ["text", "title"]) == 2
