"""Typing errors in the scripts of the world: characters are what a reader sees, a letter together with its marks."""

import random

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from uegr.perturb.typing_errors import TYPING_ERRORS, misspell, with_typos
from uegr.perturb.words import characters_of, replace_words, words_of

TEXTS = {
    "Hindi": "यह फिल्म बहुत अच्छी और सुंदर है",
    "Bengali": "বাংলা ভাষা খুব সুন্দর",
    "Tamil": "தமிழ் படம் நன்றாக இருந்தது",
    "Thai": "หนังเรื่องนี้ดีมากจริงๆ",
    "pointed Hebrew": "שָׁלוֹם עוֹלָם טוֹב",
    "Arabic with marks": "الفِيلْمُ جَيِّدٌ جِدًّا",
    "Russian": "это очень хороший фильм",
    "Greek": "αυτή είναι μια καλή ταινία",
    "Korean": "영화가 정말 재미있었어요",
    "Chinese": "我非常喜欢这部电影",
    "Japanese": "この映画はとても面白かった",
    "decomposed French": "un tre\u0301s be\u0301ne\u0301fique cafe\u0301",
    "Persian with joiners": "می\u200cخواهم کتاب\u200cها را",
}


@pytest.mark.parametrize("name", TEXTS)
def test_every_script_can_be_misspelt(name: str) -> None:
    text = TEXTS[name]
    changed = with_typos(text, 1.0, random.Random(0))
    assert changed != text
    assert not regex.search(r"(?:^|\s)\p{M}", changed), "no mark without its letter"


@pytest.mark.parametrize("name", TEXTS)
def test_words_are_not_cut_at_marks(name: str) -> None:
    text = TEXTS[name]
    words = words_of(text)
    assert "".join(words) == regex.sub(r"[^\p{L}\p{M}\u200c\u200d]", "", text)
    assert replace_words(text, dict(enumerate(words))) == text


@given(st.text(st.characters(categories=["L", "M"]), min_size=3, max_size=12), st.sampled_from(TYPING_ERRORS))
def test_a_typing_error_moves_whole_characters(word: str, error: str) -> None:
    characters = characters_of(word)
    if len(characters) < 2:
        return
    changed = misspell(word, error, 1, random.Random(0))  # type: ignore[arg-type]
    assert changed.startswith(characters[0])
    if error == "double":
        assert changed == characters[0] + characters[1] + "".join(characters[1:])


def test_latin_words_are_misspelt_as_before() -> None:
    """The numbers of committed results depend on it."""
    text = "The film is a gripping, well-acted story about ordinary people."
    assert with_typos(text, 1.0, random.Random(7)) == EXPECTED


EXPECTED = "Thhe fjlm is a gripipng, welll-accted sotry abbout orxinary peopple."
