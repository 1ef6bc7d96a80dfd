"""Sentences to edit, encoded with the small tokenizer, and a text adversary with candidates of the test's choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from support.reviews import tokenizer
from uegr.forward.adversaries.text_adversary import TextAdversary

TEXTS = ["good film and the plot", "awful dull scene", "fine actor and good plot and great scene", "bad"]
SWAPS = {"good": ["great", "awful"], "dull": ["bad", "fine"], "fine": ["bad"], "bad": ["good"], "great": ["bad"]}
"""Word -> the words that may take its place."""


def encode(*, pairs: bool = False, pads_left: bool = False) -> tuple[PreTrainedTokenizerFast, dict[str, Tensor]]:
    """A tokenizer, and the texts as a batch with labels."""
    encoder = tokenizer()
    encoder.padding_side = "left" if pads_left else "right"
    texts: list[Any] = [TEXTS, TEXTS[::-1]] if pairs else [TEXTS]
    batch = dict(encoder(*texts, padding=True, return_tensors="pt"))
    return encoder, {**batch, "labels": torch.tensor([0, 1, 0, 1])}


def set_candidates(adversary: TextAdversary, swaps: Mapping[str, list[str]] = SWAPS) -> TextAdversary:
    """The adversary, which takes its candidates from `swaps`."""
    adversary.candidates = lambda word, _: swaps.get(word, [])
    return adversary


def words_of(encoder: PreTrainedTokenizerFast, batch: Mapping[str, Any]) -> list[list[str]]:
    """The words of each row."""
    return [encoder.decode(row, skip_special_tokens=True).split() for row in batch["input_ids"]]
