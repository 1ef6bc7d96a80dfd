"""TextFooler as published: its order of the words, its limit of similarity, its stopping."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from uegr.evaluation.attacks import PublishedTextFooler
from uegr.evaluation.attacks.attack_results import Texts
from uegr.evaluation.attacks.text_search import Request, SimilarityRequest
from uegr.evaluation.attacks.textfooler_published import WINDOW, window


class Table(PublishedTextFooler):
    """Every word of more than two letters has one synonym, the word in capital letters."""

    def candidates(self, word: str, generator: random.Random) -> Sequence[str]:
        return (word.upper(),) if len(word) > 2 else ()


def test_a_word_whose_deletion_changes_the_class_matters_more() -> None:
    """Equation 2: the fall of the right class's probability, and with a change the rise of the new class's."""
    importance = PublishedTextFooler().importance(("a b c",), [("b c",), ("a c",), ("a b",)], label=0)
    request = next(importance)
    assert request.candidates == [("a b c",), ("b c",), ("a c",), ("a b",)]
    with pytest.raises(StopIteration) as end:
        importance.send(np.array([[0.6, 0.3, 0.1], [0.5, 0.4, 0.1], [0.4, 0.5, 0.1], [0.4, 0.1, 0.5]]))
    measured, lowest = end.value.value
    assert measured == pytest.approx([0.1, 0.2 + 0.2, 0.2 + 0.4])
    assert lowest == 0.6


def test_a_window_has_fifteen_words_also_near_the_ends() -> None:
    """As in the authors' attack_classification.py, which moves the window instead of cutting it."""
    words = [f"w{chr(97 + i)}" for i in range(20)]
    text = " ".join(words) + " !"
    assert window((text,), 9) == (" ".join(words[2:17]),)
    assert window(("question", text), 0) == (" ".join(words[:15]),)
    assert window((text,), 19) == (" ".join(words[5:]),)


def run(text: str, probabilities: Sequence[float], cosine: float) -> tuple[list[SimilarityRequest], Texts | None]:
    """What is compared, and the result, where deleting or replacing n words leaves the right class probabilities[n]."""
    compared: list[SimilarityRequest] = []

    def answer(asked: Request | SimilarityRequest) -> NDArray[np.float64]:
        if isinstance(asked, SimilarityRequest):
            compared.append(asked)
            return np.full(len(asked.candidates), cosine)
        right = [probabilities[sum(word.isupper() for word in made.split())] for (made,) in asked.candidates]
        return np.stack([right, 1 - np.array(right)], axis=1)

    search = Table().search((text,), 0, random.Random(0))
    asked = next(search)
    while True:
        try:
            asked = search.send(answer(asked))
        except StopIteration as end:
            return compared, end.value


LONG = " ".join(["xy"] * 10 + ["one", "two", "six"] + ["xy"] * 10)


def test_any_number_of_words_is_replaced_until_the_model_errs() -> None:
    compared, result = run(LONG, [0.9, 0.8, 0.7, 0.3], cosine=0.95)
    assert result == (LONG.replace("one two six", "ONE TWO SIX"),)
    assert len(compared) == 3
    assert len(compared[1].original[0].split()) == WINDOW, "a window, and not the whole text"
    assert "ONE" in compared[1].original[0], "compared with the text as it was before this replacement"


def test_a_replacement_that_is_not_similar_or_helps_the_right_class_is_not_kept() -> None:
    assert run(LONG, [0.9, 0.3, 0.2, 0.1], cosine=0.87)[1] is None, "cos(0.5) is 0.878"
    assert run(LONG, [0.9, 0.95, 0.2, 0.1], cosine=1.0) == ([], None)


def test_texts_shorter_than_the_window_are_not_compared() -> None:
    assert run("one two six", [0.9, 0.8, 0.7, 0.3], cosine=0.0) == ([], ("ONE TWO SIX",))
