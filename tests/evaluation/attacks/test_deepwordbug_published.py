"""DeepWordBug as published: its four edits, its words, its limit, its order of the words."""

from __future__ import annotations

import random

import pytest
from datasets import Dataset

from uegr.evaluation.attacks import PublishedDeepWordBug
from uegr.evaluation.attacks.text_attack import attack_texts
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
    assert PublishedDeepWordBug().fits(words, dict.fromkeys(range(30), "flim"))
    assert not PublishedDeepWordBug().fits(words, dict.fromkeys(range(31), "flim"))


def test_importance_is_measured_with_an_unknown_word(evaluated: EvaluatedModel, rows: Dataset) -> None:
    attack = PublishedDeepWordBug()
    request = next(attack.search(("great film",), 1, random.Random(0)))
    assert request.candidates == [("[UNK] film",), ("great [UNK]",)]
    outcomes = attack_texts(evaluated, rows, attack)
    assert any(outcome.after for outcome in outcomes)
