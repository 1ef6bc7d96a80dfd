"""Slices of a data set that was made for them."""

from __future__ import annotations

import numpy as np
import pytest
from datasets import Dataset

from uegr.evaluation.data_slices import known_words, slice_scores, slices_of

ROWS = Dataset.from_dict({"text": ["Good film", "a bad film " * 4, "zig zag", ""], "label": [1, 0, 1, 0]})


def members(name: str, known: set[str] | None = None) -> list[int]:
    return np.flatnonzero(slices_of(ROWS, "text", ["bad", "good"], known)[name]).tolist()


def test_every_text_is_in_one_slice_of_each_kind() -> None:
    slices = slices_of(ROWS, "text", ["bad", "good"], {"good", "film"})
    for word in ("class", "words", "unseen"):
        kind = [mask for name, mask in slices.items() if word in name and (word == "unseen") == ("unseen" in name)]
        assert (np.sum(kind, axis=0) == 1).all(), word


def test_classes_lengths_and_unseen_words() -> None:
    assert members("class good") == [0, 2]
    assert members("0 to 9 words") == [0, 2, 3]
    assert members("10 to 19 words") == [1]
    known = known_words(Dataset.from_dict({"text": ["GOOD film", "a film"]}), ["text"])
    assert known == {"good", "film", "a"}
    assert members("no unseen word", known) == [0, 3], "capitals make no new word, and no text has no unseen word"
    assert members("more than 25 % unseen words", known) == [1, 2]


def test_scores_are_shares_of_the_members_and_empty_slices_are_left_out() -> None:
    slices = {"first two": np.array([True, True, False]), "none": np.zeros(3, bool)}
    before, after = np.array([True, True, False]), np.array([True, False, False])
    assert slice_scores(slices, clean_accuracy=before, accuracy=after) == [
        {"slice": "first two", "examples": 2, "clean_accuracy": pytest.approx(1.0), "accuracy": pytest.approx(0.5)}
    ]
