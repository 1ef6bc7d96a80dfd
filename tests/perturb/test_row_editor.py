"""Edited rows of token ids: which words change, into what, and that all other tokens stay."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from support.tokenizers_of_every_kind import SENTENCES, make_tokenizer
from uegr.perturb.edited_row import EditedRow
from uegr.perturb.row_editor import RowEditor
from uegr.perturb.token_words import TokenWord, TokenWords
from uegr.perturb.views import Edit
from uegr.perturb.words import replace_words

KINDS = ("wordpiece", "byte-level", "metaspace", "word-ends")
TOKENIZERS = {kind: make_tokenizer(kind) for kind in KINDS}
TEXTS = list(dict.fromkeys(SENTENCES))


def changed_words(editor: RowEditor, ids: list[int], row: EditedRow) -> dict[int, TokenWord]:
    """The words of the original row whose tokens were not kept, by index."""
    kept = {place for place, is_kept in zip(row.source, row.kept, strict=True) if is_kept}
    return {i: word for i, word in enumerate(editor.token_words.words(ids)) if word.start not in kept}


def changed_tokens(row: EditedRow, word: TokenWord) -> list[int]:
    """The tokens that take the place of a word."""
    return [token for token, place in zip(row.ids, row.source, strict=True) if place == word.start]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("index", range(4))
def test_an_edited_row_is_the_tokenized_edited_text(kind: str, index: int) -> None:
    """The tokens of a word alone are those that it has in its text."""
    tokenizer = TOKENIZERS[kind]
    text, editor = SENTENCES[index], RowEditor(tokenizer)
    changed = 0
    for seed in range(30):
        ids = tokenizer(text)["input_ids"]
        row = editor.edit(ids, [Edit("slips", 0.4)], random.Random(seed))
        new = {i: changed_tokens(row, word) for i, word in changed_words(editor, ids, row).items()}
        spans = {i: tokenizer.decode(tokens).strip() for i, tokens in new.items()}
        if any("[UNK]" in word for word in spans.values()):
            continue
        expected = tokenizer(replace_words(text, spans))["input_ids"]
        assert row.ids == expected
        changed += len(spans)
    assert changed > 20


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["characters", "reworded", "mask", "tokens", "harmless", "joined", "typos", "spaced"])
def test_what_is_kept_is_the_same_token_and_the_rest_is_new(kind: str, name: str) -> None:
    tokenizer = TOKENIZERS[kind]
    editor = RowEditor(tokenizer)
    ids = tokenizer(TEXTS[0], TEXTS[2])["input_ids"]
    different = 0
    for seed in range(20):
        row = editor.edit(ids, [Edit(name, 0.3)], random.Random(seed))
        assert len(row.ids) == len(row.source) == len(row.kept)
        assert all(row.ids[i] == ids[place] for i, place in enumerate(row.source) if row.kept[i])
        assert [token for token in row.ids if token in (2, 3)] == [2, 3, 3], "special tokens stay"
        assert row.source == sorted(row.source)
        different += row.ids != ids
        assert row == editor.edit(ids, [Edit(name, 0.3)], random.Random(seed))
    assert different > (3 if kind == "wordpiece" else 10)


def test_a_text_keeps_a_token() -> None:
    tokenizer = TOKENIZERS["byte-level"]
    word = tokenizer("a", add_special_tokens=False)["input_ids"]
    for seed in range(20):
        assert RowEditor(tokenizer).edit(word, [Edit("mask", 0.5)], random.Random(seed)).ids


def test_the_mean_share_of_edited_words_is_the_rate() -> None:
    tokenizer = TOKENIZERS["wordpiece"]
    editor, ids = RowEditor(tokenizer), tokenizer(TEXTS[0])["input_ids"]
    edited = [
        len(changed_words(editor, ids, editor.edit(ids, [Edit("mask", 0.2)], random.Random(seed))))
        for seed in range(600)
    ]
    assert sum(edited) / 600 / 12 == pytest.approx(0.2, abs=0.02)
    assert {*edited} >= {0, 1, 2, 3, 4}, "the rate is drawn per example"


def test_half_of_the_words_are_drawn_by_their_weight_and_half_uniformly() -> None:
    tokenizer = TOKENIZERS["wordpiece"]
    editor, ids = RowEditor(tokenizer), tokenizer(TEXTS[0])["input_ids"]
    word = TokenWords(tokenizer).words(ids)[4]
    weights = [float(word.start <= i < word.end) for i in range(len(ids))]
    counts: Counter[int] = Counter()
    for seed in range(1500):
        counts.update(
            list(changed_words(editor, ids, editor.edit(ids, [Edit("mask", 0.05)], random.Random(seed), weights)))[:1]
        )
    share = counts[4] / sum(counts.values())
    assert share == pytest.approx(0.5 + 0.5 / 12, abs=0.05)
    assert len(counts) == 12


def test_a_row_never_gets_longer_than_the_model_reads() -> None:
    tokenizer = TOKENIZERS["wordpiece"]
    ids = tokenizer(TEXTS[0])["input_ids"]
    for name in ("spaced", "harmless", "characters"):
        editor = RowEditor(tokenizer, longest=len(ids) + 2)
        lengths = {len(editor.edit(ids, [Edit(name, 0.5)], random.Random(seed)).ids) for seed in range(20)}
        assert len(ids) < max(lengths) <= len(ids) + 2, name


def test_a_word_in_other_tokens_is_the_same_word() -> None:
    for kind in KINDS:
        tokenizer = TOKENIZERS[kind]
        ids = tokenizer(TEXTS[3])["input_ids"]
        rows = [RowEditor(tokenizer).edit(ids, [Edit("tokens", 0.5)], random.Random(seed)).ids for seed in range(20)]
        assert {tokenizer.decode(row) for row in rows} == {tokenizer.decode(ids)}
        assert len({tuple(row) for row in rows}) > 10


@pytest.mark.parametrize("name", ["harmless", "joined", "characters"])
def test_an_edited_pair_is_no_longer_than_the_model_reads(name: str) -> None:
    tokenizer = TOKENIZERS["wordpiece"]
    ids = tokenizer(TEXTS[0], TEXTS[2])["input_ids"]
    for longest in (len(ids), len(ids) + 3, len(ids) + 8):
        editor = RowEditor(tokenizer, longest=longest)
        assert all(len(editor.edit(ids, [Edit(name, 0.9)], random.Random(seed)).ids) <= longest for seed in range(20))
