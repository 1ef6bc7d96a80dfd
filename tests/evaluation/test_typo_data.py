"""Typing errors in a data set."""

from __future__ import annotations

from datasets import Dataset

from uegr.evaluation.typo_data import typo_rows


def test_typos_are_the_same_for_every_model(rows: Dataset) -> None:
    first, second = (typo_rows(rows, ["text"], 0.5)["text"] for _ in range(2))
    assert first[:] == second[:]
    assert typo_rows(rows, ["text"], 0.5, seed=1)["text"][:] != first[:]
