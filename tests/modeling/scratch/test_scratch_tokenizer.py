"""The tokenizer of a model from scratch is learned from the text, and is the same every time."""

from __future__ import annotations

import random

import pytest

from uegr.modeling.scratch import scratch_tokenizer
from uegr.modeling.scratch.scratch_tokenizer import SPECIAL, train_tokenizer


def test_words_of_the_text_become_pieces() -> None:
    tokenizer = train_tokenizer(["A wonderful film", "a wonderful plot"] * 3, vocab_size=100)
    assert tokenizer.tokenize("Wonderful FILM") == ["wonderful", "film"]
    assert tokenizer.tokenize("plotm") == ["plot", "##m"], "letters are ordinary pieces"
    assert tokenizer.pad_token_id == 0
    assert tokenizer.decode(tokenizer("a film")["input_ids"]) == "[CLS] a film [SEP]"


def test_the_pieces_do_not_depend_on_chance() -> None:
    """The trainer of the library visits words in a random order; many pairs of letters are equally frequent here."""
    generator = random.Random(0)
    texts = [" ".join("".join(generator.choices("abcdefgh", k=5)) for _ in range(30)) for _ in range(30)]
    vocabularies = [train_tokenizer(texts, vocab_size=200).get_vocab() for _ in range(4)]
    assert all(vocabulary == vocabularies[0] for vocabulary in vocabularies)
    assert len(vocabularies[0]) == 200


def test_rare_letters_of_a_large_alphabet_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch_tokenizer, "MOST_LETTERS", 2)
    vocabulary = train_tokenizer(["aaab bbc aad"] * 2, vocab_size=50).get_vocab()
    assert {"a", "b", "##a", "##b"} <= vocabulary.keys()
    assert not any("c" in piece or "d" in piece for piece in vocabulary.keys() - set(SPECIAL))


def test_without_texts_there_are_special_tokens_only() -> None:
    assert sorted(train_tokenizer([]).get_vocab()) == sorted(SPECIAL)
