from __future__ import annotations

import random

import numpy as np
import pytest

from uegr.perturb.misspellings import NEIGHBOURS, SLIPS, misspellings, misspelt, with_typos


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
    assert all(key in NEIGHBOURS[other] for key, near in NEIGHBOURS.items() for other in near)


def test_each_slip_does_what_it_says() -> None:
    generator = random.Random(0)
    assert misspelt("plot", "swap", 1, generator) == "polt"
    assert misspelt("plot", "swap", 3, generator) == "plto"
    assert misspelt("plot", "drop", 2, generator) == "plt"
    assert misspelt("plot", "double", 2, generator) == "ploot"
    assert misspelt("plot", "neighbour", 2, generator) in {f"pl{key}t" for key in NEIGHBOURS["o"]}


def test_misspellings_differ_from_the_word_and_from_each_other() -> None:
    for seed in range(50):
        found = misspellings("wonderful", random.Random(seed))
        assert len(set(found)) == len(found) <= len(SLIPS)
        assert "wonderful" not in found
    assert misspellings("of", random.Random(0)) == []
