"""Texts that are rewritten as a whole: the tokens that stand for words in them stay."""

from __future__ import annotations

import random

import pytest

from support.tokenizers_of_every_kind import SENTENCES, make_tokenizer
from uegr.perturb.edited_row import EditedRow
from uegr.perturb.perturbation import Perturbation
from uegr.perturb.row_editor import RowEditor
from uegr.perturb.token_words import TokenWords
from uegr.perturb.views import Edit
from uegr.perturb.whole_texts import TextRewriter

TOKENIZER = make_tokenizer("wordpiece")


def test_words_around_an_unknown_sign_are_one_text() -> None:
    text = SENTENCES[0]
    ids = TOKENIZER(f"{text} \U0001f600 {text}")["input_ids"]
    assert TOKENIZER.unk_token_id in ids
    for seed in range(20):
        row = RowEditor(TOKENIZER).edit(ids, [Edit("harmless", 1.0)], random.Random(seed))
        assert TOKENIZER.decode(ids[1:-1]) in TOKENIZER.decode(row.ids), "harmless words stand around the whole text"
        assert len(row.ids) > len(ids) or row.ids == ids


@pytest.mark.parametrize(
    "text", ["\U0001f600 {}", "{} \U0001f600", "\U0001f600 \U0001f600 {} \U0001f600", "\U0001f600"]
)
@pytest.mark.parametrize("name", ["harmless", "joined", "spaced", "signs"])
def test_unknown_signs_at_the_ends_of_a_text_stay(text: str, name: str) -> None:
    ids = TOKENIZER(text.format(SENTENCES[0]))["input_ids"]
    unknown = ids.count(TOKENIZER.unk_token_id)
    for seed in range(20):
        row = RowEditor(TOKENIZER).edit(ids, [Edit(name, 1.0)], random.Random(seed))
        assert row.ids.count(TOKENIZER.unk_token_id) >= unknown > 0, (
            "signs that the perturbation adds may be unknown, too"
        )


@pytest.mark.parametrize("name", ["harmless", "joined", "contractions", "characters"])
@pytest.mark.parametrize("kind", ["wordpiece", "byte-level", "metaspace"])
def test_control_tokens_without_a_name_stay(name: str, kind: str) -> None:
    """Such as those of turns in a chat: the texts between them are rewritten."""
    tokenizer = make_tokenizer(kind)
    tokenizer.add_tokens(["<|turn|>"], special_tokens=True)
    assert "<|turn|>" not in tokenizer.all_special_tokens
    turn = tokenizer.convert_tokens_to_ids("<|turn|>")
    ids = tokenizer("it is not good<|turn|>that is awful<|turn|>")["input_ids"]
    rows = [RowEditor(tokenizer).edit(ids, [Edit(name, 1.0)], random.Random(seed)).ids for seed in range(10)]
    assert any(row != ids for row in rows) and all(row.count(turn) == 2 for row in rows)


class AddedWord(Perturbation):
    name = "added-word"

    def __call__(self, text: str, rate: float, generator: random.Random) -> str:
        return f"{text} film"


@pytest.mark.parametrize("kind", ["wordpiece", "byte-level", "metaspace", "word-ends"])
@pytest.mark.parametrize("texts", [SENTENCES[:1], SENTENCES[:2]])
def test_a_rewritten_text_has_the_tokens_of_the_same_text(kind: str, texts: list[str]) -> None:
    """Some tokenizers add a space at the start of a text, and their decoder takes it away."""
    tokenizer = make_tokenizer(kind)
    ids = tokenizer(*texts)["input_ids"]
    changes = TextRewriter(TokenWords(tokenizer)).changes(ids, AddedWord(), 1.0, random.Random(0))
    row = EditedRow.unedited(ids).with_changes(changes, len(ids) + 20)
    assert row.ids == tokenizer(*[f"{text} film" for text in texts])["input_ids"]
