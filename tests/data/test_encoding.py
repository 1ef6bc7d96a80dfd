"""Texts become token ids, padded only within a batch and cached by their content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from tokenizers import normalizers

from conftest import reviews, tokenizer
from support.tokenizers_of_every_kind import make_tokenizer
from uegr.data.arrow_cache import content_hash, tokenizer_hash
from uegr.data.encoding import CACHED_FROM, LengthGroupedSampler, batches, encode, lengths_of
from uegr.data.kind import Kind
from uegr.data.user_data import load_files


def rows(labels: list[object]) -> Dataset:
    return Dataset.from_dict({"text": [f"text {i}" for i in range(len(labels))], "label": labels})


def test_pairs_are_encoded_as_pairs() -> None:
    pair = Dataset.from_dict({"a": ["good film"], "b": ["the plot"], "label": [0]})
    encoded = encode(pair, tokenizer(), ["a", "b"], 32)[0]
    assert tokenizer().decode(encoded["input_ids"]) == "[CLS] good film [SEP] the plot [SEP]"
    assert encoded["labels"] == 0


def test_nothing_is_padded_beyond_its_batch() -> None:
    texts = ["good", "good film", "the good film and the plot"] * 4
    encoded = encode(Dataset.from_dict({"text": texts, "label": [0] * 12}), tokenizer(), ["text"], 5)
    seen: list[int] = []
    for positions, batch in batches(encoded, tokenizer(), 4):
        longest = max(len(encoded[i]["input_ids"]) for i in positions)
        assert batch["input_ids"].shape == (4, longest)
        assert longest <= 5
        seen += positions
    assert sorted(seen) == list(range(12))


@pytest.mark.parametrize("kind", ["classification", "causal_lm"])
def test_padding_is_on_the_right_whatever_the_side_of_the_tokenizer(kind: Kind) -> None:
    left = tokenizer()
    left.padding_side = "left"
    encoded = encode(
        Dataset.from_dict({"text": ["good film and plot", "bad"], "label": [1, 0]}), left, ["text"], 5, kind
    )
    ((_, batch),) = batches(encoded, left, 2)
    assert batch["attention_mask"][:, 0].all() and not batch["attention_mask"][1, -1]
    assert batch["input_ids"][1, -1] == left.pad_token_id
    if kind == "causal_lm":
        real = batch["attention_mask"].bool()
        assert (batch["labels"] == batch["input_ids"].where(real, torch.tensor(-100))).all()


def test_sampler_is_a_permutation_that_follows_seed_and_epoch() -> None:
    lengths = np.random.default_rng(0).integers(3, 60, 1003).tolist()
    sampler = LengthGroupedSampler(lengths, 32, seed=4)
    first = list(sampler)
    assert sorted(first) == list(range(1003))
    assert list(sampler) == first
    sampler.set_epoch(1)
    assert list(sampler) != first

    def padded(order: list[int]) -> int:
        batches = [order[start : start + 32] for start in range(0, 1003, 32)]
        return sum(max(lengths[i] for i in batch) * len(batch) for batch in batches)

    assert padded(first) < 1.1 * sum(lengths)
    partners = [[{*order[start : start + 32]} for start in range(0, 992, 32)] for order in (first, list(sampler))]
    shared = [max(len(first & second) for second in partners[1]) for first in partners[0]]
    assert np.mean(shared) < 20  # of 32: an epoch does not repeat the batches of the one before


def test_lengths_are_those_of_the_tokens() -> None:
    encoded = encode(rows([0, 1]), tokenizer(), ["text"], 32)
    assert lengths_of(encoded) == [4, 4]


def test_tokens_are_found_by_content_and_only_by_content(tmp_path: Path) -> None:
    """The same texts from elsewhere are not tokenised again; other texts, lengths and tokenizers are."""
    frame = reviews(CACHED_FROM + 10)
    frame.to_csv(tmp_path / "a.csv", index=False)
    from_file = load_files(tmp_path / "a.csv", frame[:2], frame[:2]).train
    from_frame = load_files(frame, frame[:2], frame[:2]).train

    def cache_file(rows: Dataset, length: int = 16) -> str:
        return str(encode(rows, tokenizer(), ["text"], length).cache_files[0]["filename"])

    first = cache_file(from_file)
    assert cache_file(from_frame) == first
    assert cache_file(from_file, 3) != first
    assert cache_file(from_frame.select(range(5, CACHED_FROM + 8))) != first
    columns = ["text", "label"]
    parts = [from_frame.select(range(10)), from_frame.select(range(10, 20))]
    assert content_hash(parts[0], columns) != content_hash(parts[1], columns)
    alone = encode(from_file.select([7]), tokenizer(), ["text"], 16)
    assert encode(from_file, tokenizer(), ["text"], 16)[7] == alone[0]


@pytest.mark.parametrize("kind", ["classification", "token"])
def test_a_text_without_tokens_has_one_of_padding(kind: Kind) -> None:
    """A model without special tokens could not read it, and in a batch its output depended on the padding."""
    bare = make_tokenizer("byte-level")
    bare.backend_tokenizer.post_processor, bare.backend_tokenizer.normalizer = None, normalizers.Replace("\u200b", "")
    labels = [[0], [1]] if kind == "token" else [0, 1]
    encoded = encode(Dataset.from_dict({"text": ["\u200b", "film"], "label": labels}), bare, ["text"], 9, kind)
    assert encoded[0]["input_ids"] == [bare.pad_token_id] and encoded[0]["attention_mask"] == [1]
    assert encoded[0]["labels"] == ([-100] if kind == "token" else 0)
    assert encoded[1]["input_ids"] == bare("film")["input_ids"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("model_input_names", ["input_ids"]),
        ("truncation_side", "left"),
        ("split_special_tokens", True),
        ("src_lang", "de"),
        ("tgt_lang", "de"),
    ],
)
def test_a_setting_that_the_tokenizers_file_does_not_have_is_part_of_the_hash(setting: str, value: object) -> None:
    changed = tokenizer()
    setattr(changed, setting, value)
    assert tokenizer_hash(changed) != tokenizer_hash(tokenizer())


def test_tokenizers_of_one_file_do_not_share_rows_in_the_cache() -> None:
    """As those of BERT and of DistilBERT, whose files are equal and whose models read different inputs."""
    texts = [f"the good film and the plot {number} of this test" for number in range(CACHED_FROM)]
    long = Dataset.from_dict({"text": texts, "label": [0] * CACHED_FROM})
    right, left = tokenizer(), tokenizer()
    left.truncation_side = "left"
    encoded = [encode(long, either, ["text"], 4)[0]["input_ids"] for either in (right, left)]
    assert encoded[0] != encoded[1]
