from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uegr.perturb.words import has_unspaced_words, match_case, replace_words, words_of


@given(st.text())
def test_replacing_words_by_themselves_changes_nothing(text: str) -> None:
    assert replace_words(text, dict(enumerate(words_of(text)))) == text


def test_only_the_named_words_change() -> None:
    text = "A  fine-ish film, isn't it?"
    assert words_of(text) == ["A", "fine", "ish", "film", "isn", "t", "it"]
    assert replace_words(text, {3: "movie", 1: "good"}) == "A  good-ish movie, isn't it?"
    assert replace_words(text, {0: ""}) == "  fine-ish film, isn't it?"


def test_capitals_carry_over() -> None:
    models = ("film", "Film", "FILM", "I")
    assert [match_case("movie", model) for model in models] == ["movie", "Movie", "MOVIE", "Movie"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我喜欢", True),
        ("good 电影", True),
        ("หนัง", True),
        ("映画", True),
        ("영화가 정말", False),
        ("кино 好", False),
        ("", False),
    ],
)
def test_words_of_scripts_without_spaces_are_noticed(text: str, expected: bool) -> None:
    assert has_unspaced_words(text) is expected
