"""Perturbed texts, and which words are marked as changed."""

from __future__ import annotations

import pytest

from uegr.errors import UsageError
from uegr.playground.text_changes import CHANGED, DELETED, Piece, mark_words, perturb


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a good film", "a good film", [("a good film", None)]),
        ("a good  film!", "a goood  film!", [("a ", None), ("goood", CHANGED), ("  film!", None)]),
        (
            "free film",
            "f r e e film",
            [(part, CHANGED if part != " " else None) for part in "f r e e"] + [(" film", None)],
        ),
        ("a good film", "agood film", [("agood", CHANGED), (" film", None)]),
        ("a good film", "a  film", [("a  ", None), ("good", DELETED), (" film", None)]),
        ("good film", "good ", [("good ", None), ("film", DELETED), (" ", None)]),
        ("film", "", [("film", DELETED), (" ", None)]),
        ("film", "hello, film", [("hello,", CHANGED), (" film", None)]),
        ("", "", []),
    ],
)
def test_words_that_differ_are_marked(before: str, after: str, expected: list[Piece]) -> None:
    assert mark_words(before, after) == expected


def test_what_is_not_deleted_is_the_whole_changed_text() -> None:
    before = "The film, which I saw twice, is <b>good</b>."
    for seed in range(5):
        (after,) = perturb((before,), "typos", 0.8, seed)
        pieces = mark_words(before, after)
        assert "".join(text for text, mark in pieces) == after
        assert any(mark == CHANGED for _, mark in pieces)


def test_a_perturbation_changes_the_last_text_and_repeats_with_its_seed() -> None:
    texts = ("the plot is dull", "the film is wonderful and moving")
    first = perturb(texts, "typos", 1.0, 3)
    assert first[0] == texts[0] and first[1] != texts[1]
    assert perturb(texts, "typos", 1.0, 3) == first != perturb(texts, "typos", 1.0, 4)
    with pytest.raises(UsageError, match="unknown perturbation 'typo'"):
        perturb(texts, "typo", 1.0, 0)
