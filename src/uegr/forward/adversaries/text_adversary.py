"""An adversary that edits text: it replaces the words whose replacement raises the loss most, to first order.

    gain(w -> c) = (mean E[c] - mean E[w]) . sum_{t in w} g_t,   g = gradient of the summed loss at the embeddings

[ours, in the manner of HotFlip, arXiv 1712.06751, and A2T, arXiv 2109.00544.] One backward pass for a whole batch
scores all candidates of all words; the best edits of an example, at most one per word, are made at once, and the text
is tokenized again. The loss may count the clean pass that gives the gradient, so an attack costs an input backward.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from uegr.errors import UsageError
from uegr.forward.adversaries.adversary import Adversary, AttackedBatch
from uegr.forward.clean_pass import CleanGradient
from uegr.forward.forward_stage import Batch, Step
from uegr.modeling.dropout_sites import DropoutSites
from uegr.modeling.embeddings import input_embeddings
from uegr.modeling.model_parts import longest_input
from uegr.perturb.retokenizer import Retokenizer, Row, Word
from uegr.perturb.word_edits import Edits, candidates_of

PER_TOKEN = ("input_ids", "attention_mask", "token_type_ids")
SCORED = 3
"""Candidates are scored for this many times the words that are edited: those with the largest |g . e|."""


@dataclass(frozen=True)
class Edit:
    """A word of a row, and its replacement."""

    row: int
    word: Word
    text: str


class TextAdversary(Adversary):
    """Gradient-guided edits of words.

    Args:
        edits: "words" (synonyms), "characters" (misspellings that keep the first letter) or "both".
        edit_rate: share of an example's words that is edited, at least one.
    """

    def __init__(self, *, edits: Edits, edit_rate: float = 0.25) -> None:
        self.edit_rate = edit_rate
        self.candidates = candidates_of(edits)
        self.retokenizer: Retokenizer | None = None

    def bind(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.retokenizer = Retokenizer(tokenizer)

    @property
    def pads_left(self) -> bool:
        """Whether the tokenizer pads on the left."""
        return self.retokenizer is not None and self.retokenizer.tokenizer.padding_side == "left"

    def attack(
        self, model: nn.Module, batch: Batch, step: Step, sites: DropoutSites | None = None, *, clean: CleanGradient
    ) -> AttackedBatch:
        """The batch with edited text."""
        return AttackedBatch(self.edit(model, batch, clean.gradient, step, range(len(batch["input_ids"]))), None)

    def edit(self, model: nn.Module, batch: Batch, gradient: Tensor, step: Step, rows: Sequence[int]) -> Batch:
        """The batch with the text of some rows edited along a gradient (B, T, d); the other rows stay."""
        self._check(batch)
        assert self.retokenizer is not None
        texts = {i: self.retokenizer.read(_real_ids(batch, i)) for i in rows}
        generator = random.Random(int(torch.randint(2**63 - 1, (), generator=step.generator)))
        edits = self._choose(model, texts, _offsets(batch), gradient, generator)
        return self._rewrite(batch, texts, edits, _longest_edited(model, batch))

    def _check(self, batch: Batch) -> None:
        """Refuse a batch whose text cannot be edited: no tokenizer was given, or the labels are one per token."""
        if self.retokenizer is None:
            raise UsageError(
                "an adversary that edits text needs the tokenizer: hand it to attach(tokenizer=...) before training."
            )
        if batch["labels"].shape[:2] == batch["input_ids"].shape:
            raise UsageError("the labels are one per token, and edited text has other tokens: choose --text off.")

    @torch.no_grad()
    def _choose(
        self, model: nn.Module, rows: dict[int, Row], offsets: list[int], gradient: Tensor, generator: random.Random
    ) -> list[Edit]:
        """The edits of each row that gain most."""
        assert self.retokenizer is not None
        table: Tensor = input_embeddings(model).weight  # type: ignore[assignment]
        candidates: list[Edit] = []
        budget: dict[int, int] = {}
        for i, row in rows.items():
            budget[i] = max(1, round(self.edit_rate * len(row.words)))
            effect = (gradient[i, offsets[i] :][: len(row.ids)] * table[list(row.ids)]).sum(dim=-1).tolist()
            words = sorted(row.words, key=lambda word, effect=effect: -abs(sum(effect[t] for t in word.tokens)))  # type: ignore[misc]
            for word in words[: SCORED * budget[i]]:
                candidates += [Edit(i, word, text) for text in self.candidates(word.text, generator)]
        gains = self._gains(table, rows, offsets, gradient, candidates)
        chosen: dict[tuple[int, Word], Edit] = {}
        for index in sorted(range(len(candidates)), key=lambda index: -gains[index]):
            edit = candidates[index]
            if budget[edit.row] and (edit.row, edit.word) not in chosen:
                chosen[edit.row, edit.word] = edit
                budget[edit.row] -= 1
        return list(chosen.values())

    def _gains(
        self, table: Tensor, rows: dict[int, Row], offsets: list[int], gradient: Tensor, candidates: list[Edit]
    ) -> list[float]:
        """First-order rise of the loss for every candidate, in one gather and one product."""
        assert self.retokenizer is not None
        if not candidates:
            return []
        new = _means(table, self.retokenizer.tokens_of([edit.text for edit in candidates]))
        old = _means(table, [tuple(rows[edit.row].ids[t] for t in edit.word.tokens) for edit in candidates])
        flat = gradient.float().flatten(0, 1)
        places = [
            tuple(edit.row * gradient.shape[1] + offsets[edit.row] + t for t in edit.word.tokens) for edit in candidates
        ]
        counts = torch.tensor([len(positions) for positions in places], device=flat.device)
        slope = _means(flat, places) * counts[:, None]
        gains: list[float] = ((new - old) * slope).sum(dim=1).tolist()
        return gains

    def _rewrite(self, batch: Batch, rows: dict[int, Row], edits: list[Edit], longest: int) -> Batch:
        assert self.retokenizer is not None
        by_row: dict[int, dict[Word, str]] = {}
        for edit in edits:
            by_row.setdefault(edit.row, {})[edit.word] = edit.text
        examples = []
        for i in range(len(batch["input_ids"])):
            ids, origin = _real_ids(batch, i), None
            if i in by_row:
                ids, origin = self.retokenizer.write(rows[i], by_row[i], longest)
            example = {"input_ids": ids, "attention_mask": [1] * len(ids)}
            if "token_type_ids" in batch:
                types = batch["token_type_ids"][i, _offsets(batch)[i] :].tolist()
                example["token_type_ids"] = types[: len(ids)] if origin is None else [types[t] for t in origin]
            examples.append(example)
        padded = self.retokenizer.tokenizer.pad(examples, return_tensors="pt")
        device = batch["input_ids"].device
        unchanged = {key: value for key, value in batch.items() if key not in PER_TOKEN}
        return {**{key: value.to(device) for key, value in padded.items()}, **unchanged}


def _means(table: Tensor, groups: Sequence[Sequence[int]]) -> Tensor:
    """Mean of the table's rows of each group, (len(groups), d), float32; zeros for an empty group."""
    sizes = torch.tensor([len(rows) for rows in groups], device=table.device)
    flat = torch.tensor([row for rows in groups for row in rows], device=table.device, dtype=torch.long)
    group = torch.repeat_interleave(torch.arange(len(groups), device=table.device), sizes)
    total = torch.zeros((len(groups), table.shape[1]), device=table.device)
    return total.index_add_(0, group, table[flat].float()) / sizes.clamp_min(1)[:, None]


def _offsets(batch: Batch) -> list[int]:
    """Where each row's real tokens begin: 0 unless it is padded on the left."""
    mask = batch.get("attention_mask")
    return [0] * len(batch["input_ids"]) if mask is None else mask.argmax(dim=1).tolist()


def _real_ids(batch: Batch, i: int) -> list[int]:
    """The real token ids of a row."""
    ids: Tensor = batch["input_ids"][i]
    mask = batch.get("attention_mask")
    real: list[int] = (ids if mask is None else ids[mask[i].bool()]).tolist()
    return real


def _longest_edited(model: nn.Module, batch: Batch) -> int:
    """The length that edited text may grow to: half as long again, as far as the model has positions."""
    length = int(batch["input_ids"].shape[1])
    longest = longest_input(model)
    grown = length + length // 2
    return grown if longest is None else max(length, min(grown, longest))
