"""From text to token ids, and to batches without needless padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch.utils.data import Sampler
from transformers import DataCollatorWithPadding, PreTrainedTokenizerBase
from transformers.trainer_pt_utils import get_length_grouped_indices

from uegr.tasks.splits import LABEL


def encode(rows: Dataset, tokenizer: PreTrainedTokenizerBase, text_columns: Sequence[str], max_length: int) -> Dataset:
    """Token ids of one or two text columns, truncated to `max_length` tokens, never padded; with "labels"."""

    def tokenize(batch: dict[str, list[Any]]) -> dict[str, Any]:
        texts = [[str(text) for text in batch[column]] for column in text_columns]
        return {**tokenizer(*texts, truncation=True, max_length=max_length), "labels": batch[LABEL]}

    return rows.map(tokenize, batched=True, remove_columns=rows.column_names, keep_in_memory=True)


def lengths_of(encoded: Dataset) -> list[int]:
    """Number of tokens of each example."""
    return [len(ids) for ids in encoded["input_ids"]]


def batches(
    encoded: Dataset, tokenizer: PreTrainedTokenizerBase, batch_size: int
) -> Iterator[tuple[list[int], dict[str, torch.Tensor]]]:
    """All examples in batches of similar length, longest first: their positions, and the padded tensors."""
    collate = DataCollatorWithPadding(tokenizer)
    lengths = lengths_of(encoded)
    order = sorted(range(len(encoded)), key=lambda i: -lengths[i])
    for at in range(0, len(order), batch_size):
        positions = order[at : at + batch_size]
        yield positions, dict(collate([encoded[i] for i in positions]))


class LengthGroupedSampler(Sampler[int]):
    """Shuffled examples in runs of similar length; a function of seed and epoch only, so that a resumed run
    sees the same batches, which Hugging Face's own sampler, drawing from the global generator, does not promise.

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
        seed = int(np.random.SeedSequence([self.seed, self.epoch]).generate_state(1)[0])
        generator = torch.Generator().manual_seed(seed)
        grouped = get_length_grouped_indices(self.lengths, self.batch_size, generator=generator)
        runs = [grouped[i : i + self.batch_size] for i in range(0, len(grouped), self.batch_size)]
        # A short last run stays last: anywhere else it would shift every batch behind it.
        full = len(grouped) // self.batch_size
        for i in [*torch.randperm(full, generator=generator).tolist(), *range(full, len(runs))]:
            yield from runs[i]
