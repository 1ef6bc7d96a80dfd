"""The same word in other tokens."""

from __future__ import annotations

import random

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from support.tokenizers_of_every_kind import make_tokenizer
from uegr.perturb.token_dropout import TokenDropout


def test_tokens_of_bytes_stay() -> None:
    vocabulary = {"[UNK]": 0, "<0xE0>": 1, "<": 2, "0": 3, "x": 4, "E": 5, ">": 6}
    backend = Tokenizer(models.BPE(vocabulary, [], unk_token="[UNK]"))
    dropout = TokenDropout(PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]"))
    assert all(dropout([1], random.Random(seed)) == [1] for seed in range(20))


def test_the_mark_of_the_end_of_a_word_is_not_spelt() -> None:
    tokenizer = make_tokenizer("word-ends")
    ids = tokenizer("characters", add_special_tokens=False)["input_ids"]
    results = [TokenDropout(tokenizer)(ids, random.Random(seed)) for seed in range(50)]
    assert {tokenizer.decode(tokens) for tokens in results} == {"characters"}
    assert len(set(map(tuple, results))) > 5
