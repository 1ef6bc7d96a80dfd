from __future__ import annotations

import random

import numpy as np
import pytest

from uegr.perturb.typing_errors import NEIGHBOURS, TYPING_ERRORS, misspell, random_misspellings, with_typos


def test_typos_hit_words_at_their_rate_and_keep_the_first_letter() -> None:
    text = "wonderful " * 2000
    words = with_typos(text, 0.3, random.Random(0)).split()
    share = np.mean([word != "wonderful" for word in words])
    assert share == pytest.approx(0.3 * 0.98, abs=0.04)  # a swap of equal letters or the like changes nothing
    assert {word[0] for word in words} == {"w"}
    assert all(abs(len(word) - 9) <= 1 for word in words)
    assert with_typos("of it, 12345!", 1.0, random.Random(0)) == "of it, 12345!"


def test_neighbours_touch_on_the_keyboard() -> None:
    assert set(NEIGHBOURS["s"]) == set("awedxz")
    assert set(NEIGHBOURS["q"]) == set("wa")
    assert all(key in NEIGHBOURS[neighbour] for key, near in NEIGHBOURS.items() for neighbour in near)


def test_each_kind_of_error_does_what_it_says() -> None:
    generator = random.Random(0)
    assert misspell("plot", "swap", 1, generator) == "polt"
    assert misspell("plot", "swap", 3, generator) == "plto"
    assert misspell("plot", "drop", 2, generator) == "plt"
    assert misspell("plot", "double", 2, generator) == "ploot"
    assert misspell("plot", "neighbour", 2, generator) in {f"pl{key}t" for key in NEIGHBOURS["o"]}


def test_misspellings_differ_from_the_word_and_from_each_other() -> None:
    for seed in range(50):
        words = random_misspellings("wonderful", random.Random(seed))
        assert len(set(words)) == len(words) <= len(TYPING_ERRORS)
        assert "wonderful" not in words
    assert random_misspellings("of", random.Random(0)) == []
