"""DeepWordBug as published: its four edits, its words, its limit, its order of the words."""

from __future__ import annotations

import random

import numpy as np
import pytest
from datasets import Dataset

from uegr.evaluation.attacks import PublishedDeepWordBug
from uegr.evaluation.attacks.text_attack import attack_texts
from uegr.evaluation.attacks.text_search import Request
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.perturb.natural_misspellings import edits


@pytest.mark.parametrize("word", ["at", "film", "Wonderful"])
def test_a_word_gets_up_to_four_single_edits(word: str) -> None:
    lengths = set()
    for seed in range(200):
        candidates = PublishedDeepWordBug().candidates("xx" + word, random.Random(seed))
        assert 2 <= len(candidates) <= 4
        assert all(edits("xx" + word, candidate) == 1 for candidate in candidates)
        lengths |= {len(candidate) - len(word) - 2 for candidate in candidates}
    assert lengths == {-1, 0, 1}


def test_function_words_and_single_letters_stay() -> None:
    assert not PublishedDeepWordBug().candidates("The", random.Random(0))
    assert not PublishedDeepWordBug().candidates("x", random.Random(0))


def test_at_most_thirty_edits() -> None:
    words = ["film"] * 40
    assert PublishedDeepWordBug().fits(words, dict.fromkeys(range(30), "folm"))
    assert not PublishedDeepWordBug().fits(words, dict.fromkeys(range(31), "folm"))
    assert PublishedDeepWordBug().fits(words, dict.fromkeys(range(15), "flim"))
    assert not PublishedDeepWordBug().fits(words, dict.fromkeys(range(16), "flim")), "a swap counts 2"


def test_the_edits_of_a_very_long_word_are_counted_at_once() -> None:
    word = "x" * 100_000
    assert PublishedDeepWordBug().fits([word], {0: word + "y"})


def test_importance_is_measured_with_an_unknown_word(evaluated: EvaluatedModel, rows: Dataset) -> None:
    attack = PublishedDeepWordBug()
    request = next(attack.search(("great film",), 1, random.Random(0)))
    assert isinstance(request, Request)
    assert request.candidates == [("great film",), ("[UNK] film",), ("great [UNK]",)], "the original first"
    outcomes = attack_texts(evaluated, rows, attack)
    assert any(outcome.after for outcome in outcomes)


def test_a_change_that_makes_the_model_surer_is_not_kept() -> None:
    search = PublishedDeepWordBug().search(("great film",), 1, random.Random(0))
    request = next(search)
    assert isinstance(request, Request)
    surer = np.array([[0.2, 0.8], [0.3, 0.7], [0.3, 0.7]])
    request = search.send(surer)
    assert isinstance(request, Request)
    request = search.send(np.tile([0.1, 0.9], (len(request.candidates), 1)))
    assert isinstance(request, Request)
    assert all(text.startswith("great ") or text.endswith(" film") for (text,) in request.candidates)
