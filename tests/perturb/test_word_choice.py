"""Which words are edited, and by which edit."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from uegr.perturb.token_words import TokenWord
from uegr.perturb.views import Edit
from uegr.perturb.word_choice import choose_words


def test_edits_that_ask_for_more_words_than_there_are_share_them() -> None:
    words = [TokenWord(i, i + 1, "word", True) for i in range(40)]
    edits, counts = [Edit("characters", 0.5), Edit("mask", 0.5)], Counter[str]()
    for seed in range(400):
        counts.update(choose_words(words, edits, random.Random(seed), None).values())
    assert counts["mask"] / counts["characters"] == pytest.approx(1.0, abs=0.1)


def test_words_of_a_long_text_are_drawn_alike() -> None:
    """Keys of a draw in proportion to shares must not underflow."""
    words = [TokenWord(i, i + 1, "w", True) for i in range(3000)]
    halves = [0, 0]
    for seed in range(10):
        for index in choose_words(words, [Edit("characters", 0.2)], random.Random(seed), None):
            halves[index >= 1500] += 1
    assert 0.8 < halves[0] / halves[1] < 1.25
