"""From text to token ids, and to batches without needless padding."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow.compute as pc
import torch
from datasets import Dataset
from torch.utils.data import Sampler
from transformers import DataCollatorForSeq2Seq, DataCollatorWithPadding, PreTrainedTokenizerBase

from uegr.data.arrow_cache import arrow_batches, cache_path, content_hash, tokenizer_hash
from uegr.data.splits import LABEL
from uegr.data.task import Kind

CACHED_FROM = 2000
"""Fewer rows than this are tokenised anew in less time than a file takes."""


def encode(
    rows: Dataset,
    tokenizer: PreTrainedTokenizerBase,
    text_columns: Sequence[str],
    max_length: int,
    kind: Kind = "classification",
) -> Dataset:
    """Token ids of one or two text columns, truncated to `max_length` tokens, never padded; with "labels".

    Many rows are tokenised once: the result lies in the cache under a hash of texts, labels and tokenizer, and is
    mapped from there. For seq2seq the labels are token ids of the target; for a causal language model the texts
    are joined and cut into blocks of `max_length` tokens, each its own label.
    """
    columns = [*text_columns, *([] if kind == "causal_lm" else [LABEL])]

    def tokenize(batch: dict[str, list[Any]]) -> dict[str, Any]:
        texts = [[str(text) for text in batch[column]] for column in text_columns]
        if kind == "causal_lm":
            return _blocks(tokenizer(*texts)["input_ids"], max_length)
        if kind == "seq2seq":
            return dict(tokenizer(*texts, text_target=batch[LABEL], truncation=True, max_length=max_length))
        return {**tokenizer(*texts, truncation=True, max_length=max_length), "labels": batch[LABEL]}

    # A name of our own spares the library from deriving one by pickling the tokenizer.
    options: dict[str, Any] = {"keep_in_memory": True, "new_fingerprint": secrets.token_hex(8)}
    if len(rows) >= CACHED_FROM:
        place = cache_path(content_hash(rows, columns), tokenizer_hash(tokenizer), columns, max_length, kind)
        place.parent.mkdir(parents=True, exist_ok=True)
        options = {"cache_file_name": str(place), "new_fingerprint": place.stem}
    with warnings.catch_warnings():
        # A document longer than the model is cut into blocks below; the tokenizer cannot know that.
        warnings.simplefilter("ignore")
        return rows.select_columns(columns).map(tokenize, batched=True, remove_columns=columns, **options)


def _blocks(documents: list[list[int]], length: int) -> dict[str, list[list[int]]]:
    joined = [token for document in documents for token in document]
    blocks = [joined[at : at + length] for at in range(0, len(joined), length)]
    blocks = [block for block in blocks if len(block) > 1]  # a single token has no next one to predict
    return {"input_ids": blocks, "attention_mask": [[1] * len(block) for block in blocks], "labels": blocks}


def lengths_of(encoded: Dataset) -> list[int]:
    """Number of tokens of each example."""
    lengths = [pc.list_value_length(table["input_ids"]) for table in arrow_batches(encoded, ["input_ids"])]
    return [int(one) for part in lengths for one in part.to_numpy()]


def collator(encoded: Dataset, tokenizer: PreTrainedTokenizerBase) -> Callable[[list[dict[str, Any]]], Any]:
    """What pads a batch: labels that are tokens are padded with -100, which no loss counts."""
    labels = encoded.features["labels"]
    if hasattr(labels, "feature") and labels.feature.dtype.startswith("int"):
        return DataCollatorForSeq2Seq(tokenizer)
    return DataCollatorWithPadding(tokenizer)


def batches(
    encoded: Dataset, tokenizer: PreTrainedTokenizerBase, batch_size: int
) -> Iterator[tuple[list[int], dict[str, torch.Tensor]]]:
    """All examples in batches of similar length, longest first: their positions, and the padded tensors."""
    collate = collator(encoded, tokenizer)
    order = np.argsort([-one for one in lengths_of(encoded)], kind="stable").tolist()
    for at in range(0, len(order), batch_size):
        positions = order[at : at + batch_size]
        yield positions, dict(collate([encoded[i] for i in positions]))


JITTER = 0.05
"""How far a length is moved at most, as a share of it, before examples are sorted by it."""


class LengthGroupedSampler(Sampler[int]):
    """Shuffled examples in runs of similar length; a function of seed and epoch only, so that a resumed run
    sees the same batches, which Hugging Face's own sampler, drawing from the global generator, does not promise.

    Examples are sorted by their length times a random factor near 1, cut into runs, and the runs shuffled. The
    factor trades padding against chance in who meets whom; docs/performance.md has the measure of both.

    Args:
        lengths: number of tokens of each example.
        batch_size: examples an optimizer step sees.
        seed: of the shuffling.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self.lengths, self.batch_size, self.seed = list(lengths), batch_size, seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the data loader at the start of each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        random = np.random.default_rng([self.seed, self.epoch])
        lengths = np.asarray(self.lengths) * random.uniform(1.0 - JITTER, 1.0 + JITTER, len(self.lengths))
        ordered = np.lexsort((random.random(len(lengths)), lengths)).tolist()
        full, short = divmod(len(ordered), self.batch_size)
        # A short run stays last: anywhere else it would shift every batch behind it. It may be of any length.
        at = int(random.integers(full + 1)) * self.batch_size
        whole, rest = ordered[:at] + ordered[at + short :], ordered[at : at + short]
        for i in random.permutation(full).tolist():
            yield from whole[i * self.batch_size : (i + 1) * self.batch_size]
        yield from rest
