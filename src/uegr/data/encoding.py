"""Convert texts to token ids, and group examples of similar length into batches, which keeps padding low."""

import secrets
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow.compute as pc
import torch
from datasets import Dataset
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Sampler
from transformers import PreTrainedTokenizerBase
from transformers.data.data_collator import pad_without_fast_tokenizer_warning

from uegr.data.arrow_cache import arrow_batches, cache_path, content_hash, tokenizer_hash
from uegr.data.kind import IGNORED_LABEL, Kind
from uegr.data.splits import LABEL
from uegr.errors import UsageError

CACHED_FROM = 2000
"""Fewer rows than this are tokenised again each time: that takes less time than a cache file."""


def encode(
    rows: Dataset,
    tokenizer: PreTrainedTokenizerBase,
    text_columns: Sequence[str],
    max_length: int,
    kind: Kind = "classification",
    end_token: str | None = None,
) -> Dataset:
    """Tokenise one or two text columns, truncated to `max_length` tokens and not padded.

    `CACHED_FROM` rows or more are tokenised once: the result is written to the cache under a hash of texts, labels and
    tokenizer, and mapped from there. For `end_token` see `spaced_out`.

    Returns:
        Rows with the tokenizer's outputs and "labels". For token the first token of each word has the word's label and
        all others -100; for seq2seq the labels are the token ids of the target; for a causal language model the texts
        are joined and cut into blocks of `max_length` tokens, and the labels of a block are its own tokens.
    """
    columns = [*text_columns, *([] if kind == "causal_lm" else [LABEL])]

    def tokenize(batch: dict[str, list[Any]]) -> dict[str, Any]:
        texts = [[spaced_out(str(text), end_token) for text in batch[column]] for column in text_columns]
        if kind == "causal_lm":
            return _blocks(tokenizer(*texts)["input_ids"], max_length)
        if kind == "seq2seq":
            return dict(tokenizer(*texts, text_target=batch[LABEL], truncation=True, max_length=max_length))
        if kind == "token":
            return without_empty_rows(_with_label_per_token(tokenizer, texts[0], batch[LABEL], max_length), tokenizer)
        encoded = without_empty_rows(tokenizer(*texts, truncation=True, max_length=max_length), tokenizer)
        return {**encoded, "labels": batch[LABEL]}

    # Without a given fingerprint the library would derive one by pickling the tokenizer.
    options: dict[str, Any] = {"keep_in_memory": True, "new_fingerprint": secrets.token_hex(8)}
    if len(rows) >= CACHED_FROM:
        parts = (content_hash(rows, columns), tokenizer_hash(tokenizer), columns, max_length, kind, end_token)
        path = cache_path(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        options = {"cache_file_name": str(path), "new_fingerprint": path.stem}
    with warnings.catch_warnings():
        # The tokenizer warns about documents longer than the model, which `_blocks` cuts.
        warnings.simplefilter("ignore")
        return rows.select_columns(columns).map(tokenize, batched=True, remove_columns=columns, **options)


def spaced_out(text: str, end_token: str | None) -> str:
    """The text with spaces within each `end_token`, so that it is read as plain characters; None leaves it as it is.

    `split_special_tokens` of a tokenizer does not do it for T5, whose vocabulary of pieces has the token, too.
    """
    return text if end_token is None else text.replace(end_token, " ".join(end_token))


def without_empty_rows(encoded: Mapping[str, list[list[int]]], tokenizer: Any) -> dict[str, list[list[int]]]:
    """The rows, with one token of padding instead of a text without tokens, which no model can read."""
    filler = {"input_ids": tokenizer.pad_token_id, "attention_mask": 1, "labels": IGNORED_LABEL}
    return {key: [row or [filler.get(key, 0)] for row in rows] for key, rows in encoded.items()}


def _with_label_per_token(
    tokenizer: PreTrainedTokenizerBase, texts: list[str], labels: list[list[int]], max_length: int
) -> dict[str, Any]:
    """The tokens of texts, and the label of each word at its first token, found by the offsets of the tokens."""
    if not tokenizer.is_fast:
        raise UsageError(
            f"{type(tokenizer).__name__} is not a fast tokenizer, which a label per word needs: choose a model with a "
            "tokenizer.json."
        )
    encoded = tokenizer(texts, truncation=True, max_length=max_length, return_offsets_mapping=True)
    rows = []
    for text, word_labels, places in zip(texts, labels, encoded.pop("offset_mapping"), strict=True):
        row, before = [], -1
        for start, end in places:
            # Some tokens begin with the space before their word, so the last character tells which word it is.
            word = text.count(" ", 0, end - 1) if end > start else before
            row.append(word_labels[word] if word > before else IGNORED_LABEL)
            before = max(before, word)
        rows.append(row)
    return {**encoded, "labels": rows}


def words_without_token(rows: Dataset, encoded: Dataset, max_length: int) -> int:
    """The number of words with a label that `encode` gave no token, in texts that are not cut.

    A word has none of its own where the tokenizer removes its characters or joins it with the word before.
    """
    missing = 0
    for word_labels, labels in zip(rows[LABEL], encoded["labels"], strict=True):
        if len(labels) < max_length:
            missing += sum(label != IGNORED_LABEL for label in word_labels) - sum(
                label != IGNORED_LABEL for label in labels
            )
    return missing


def _blocks(documents: list[list[int]], length: int) -> dict[str, list[list[int]]]:
    joined = [token for document in documents for token in document]
    blocks = [joined[start : start + length] for start in range(0, len(joined), length)]
    blocks = [block for block in blocks if len(block) > 1]  # a single token has no next one to predict
    return {"input_ids": blocks, "attention_mask": [[1] * len(block) for block in blocks], "labels": blocks}


def lengths_of(encoded: Dataset) -> list[int]:
    """Return the number of tokens of each example."""
    lengths = [pc.list_value_length(table["input_ids"]) for table in arrow_batches(encoded, ["input_ids"])]
    return [int(length) for part in lengths for length in part.to_numpy()]


def pad(
    tokenizer: PreTrainedTokenizerBase, encoded: Mapping[str, Any] | Sequence[Mapping[str, Any]]
) -> dict[str, torch.Tensor]:
    """Pad tokens on the right, whatever the tokenizer's own side: positions that a model has learned begin at 0."""
    return dict(pad_without_fast_tokenizer_warning(tokenizer, encoded, padding_side="right", return_tensors="pt"))


def collator(encoded: Dataset, tokenizer: PreTrainedTokenizerBase) -> Callable[[list[dict[str, Any]]], Any]:
    """Return the function that pads a batch; labels that are token ids are padded with -100, which losses ignore."""
    labels = encoded.features["labels"]
    if hasattr(labels, "feature") and labels.feature.dtype.startswith("int"):
        return partial(_pad_with_labels, tokenizer)
    return partial(pad, tokenizer)


def _pad_with_labels(tokenizer: PreTrainedTokenizerBase, rows: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
    inputs = [{name: values for name, values in row.items() if name != "labels"} for row in rows]
    labels = [torch.tensor(row["labels"]) for row in rows]
    padded = pad_sequence(labels, batch_first=True, padding_value=IGNORED_LABEL)
    return {**pad(tokenizer, inputs), "labels": padded}


def batches(
    encoded: Dataset, tokenizer: PreTrainedTokenizerBase, batch_size: int
) -> Iterator[tuple[list[int], dict[str, torch.Tensor]]]:
    """Iterate over all examples in batches of similar length, longest first.

    Yields:
        The row indices of the batch, and its padded tensors.
    """
    collate = collator(encoded, tokenizer)
    order = np.argsort([-length for length in lengths_of(encoded)], kind="stable").tolist()
    for start in range(0, len(order), batch_size):
        indices = order[start : start + batch_size]
        yield indices, dict(collate([encoded[i] for i in indices]))


JITTER = 0.05
"""Largest relative change of a length before examples are sorted by it."""


class LengthGroupedSampler(Sampler[int]):
    """Shuffled examples, in batches of similar length.

    The order depends on seed and epoch only, so that a resumed run sees the same batches. Hugging Face's own sampler
    draws from the global generator and does not guarantee that.

    Examples are sorted by their length times a random factor near 1, cut into batches, and the batches are shuffled.
    A larger factor means more padding and more random batches; docs/performance.md has measurements of both.

    Args:
        lengths: number of tokens of each example.
        batch_size: number of examples per optimizer step.
        seed: of the shuffle.
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
        generator = np.random.default_rng([self.seed, self.epoch])
        lengths = np.asarray(self.lengths) * generator.uniform(1.0 - JITTER, 1.0 + JITTER, len(self.lengths))
        ordered = np.lexsort((generator.random(len(lengths)), lengths)).tolist()
        full, remainder = divmod(len(ordered), self.batch_size)
        # The incomplete batch comes last: elsewhere it would shift all batches after it. It is cut out at a random
        # batch boundary, so that its examples may have any length.
        start = int(generator.integers(full + 1)) * self.batch_size
        complete = ordered[:start] + ordered[start + remainder :]
        for i in generator.permutation(full).tolist():
            yield from complete[i * self.batch_size : (i + 1) * self.batch_size]
        yield from ordered[start : start + remainder]
