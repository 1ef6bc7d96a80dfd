"""Splits are stratified, and subsets keep groups together."""

from __future__ import annotations

from datasets import Dataset

from uegr.data.splits import stratified_split, subset


def test_candidates_of_a_question_stay_together() -> None:
    rows = Dataset.from_dict({"q": [f"question {i // 7}" for i in range(70)], "i": list(range(70))})
    part = subset(rows, 30, 0, "q")
    assert len(part) == 28
    questions = part["q"][:]
    assert {questions.count(question) for question in questions} == {7}
    assert len(subset(rows, 3, 0, "q")) == 7


def test_split_is_stratified_and_complete() -> None:
    data = Dataset.from_dict({"label": [0] * 80 + [1] * 20, "i": list(range(100))})
    remaining, drawn = stratified_split(data, 10)
    assert sum(drawn["label"]) == 2
    assert sorted([*remaining["i"], *drawn["i"]]) == list(range(100))
