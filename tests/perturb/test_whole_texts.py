"""Texts that are rewritten as a whole: the tokens that stand for words in them stay."""

from __future__ import annotations

import random

import pytest

from support.tokenizers_of_every_kind import SENTENCES, make_tokenizer
from uegr.perturb.row_editor import RowEditor
from uegr.perturb.views import Edit

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
