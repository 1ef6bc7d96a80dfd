"""The model under evaluation: a model, its tokenizer, a device and a precision, behind one object."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeAlias

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from uegr.data.encoding import batches, encode, pad, spaced_out, without_empty_rows
from uegr.data.kind import Kind
from uegr.errors import UsageError
from uegr.evaluation.model_state import evaluation_mode, gradients_enabled
from uegr.modeling.metrics import Labels, Probabilities
from uegr.modeling.model_wrappers import check_module
from uegr.modeling.output_logits import logits_of_batch
from uegr.modeling.perturbed_pass import perturbed
from uegr.modeling.task_kinds.detection import KINDS
from uegr.modeling.task_kinds.task_kind import Outputs, TaskKind, concatenate_outputs
from uegr.modeling.task_kinds.tokens import Tokens
from uegr.modeling.token_gradients import gradient_through_logits
from uegr.modeling.tokenizer_match import check_tokenizer, end_token_of_head, tokens_to_read
from uegr.options import check_value, own_number

Batch: TypeAlias = dict[str, Tensor]
OnBatch: TypeAlias = Callable[[int], None]
"""Called after each batch with its number of examples."""
BATCH_SIZE = 64
TOKENIZED_AT_ONCE = 1000
"""Texts per call of the tokenizer, which also keeps what it cuts off: half a megabyte of a text of 2,000 words."""


class EvaluatedModel:
    """A model that is evaluated. Code that uses it enters `evaluation_mode`, which restores the model afterwards.

    Args:
        model: any module whose forward takes what a batch holds, except the labels, and returns `.logits`.
        tokenizer: its tokenizer; None if the caller makes all batches.
        text_columns: the columns of text that the model reads.
        kind: the kind of task.
        bf16: run the forward passes under bfloat16 autocast.
        batch_size: examples per batch.
        max_length: texts are cut to this number of tokens, or to the model's own number of positions.
        temperature: divides the logits before attacks on the text see their probabilities; see
            `uegr.evaluation.temperature`.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: PreTrainedTokenizerBase | None = None,
        text_columns: Sequence[str] = ("text",),
        *,
        kind: Kind = "classification",
        bf16: bool = False,
        batch_size: int = BATCH_SIZE,
        max_length: int = 128,
        temperature: float = 1.0,
    ) -> None:
        check_module(model)
        if tokenizer is not None:
            check_tokenizer(tokenizer)
        self.model: Any = model
        self.tokenizer: Any = tokenizer
        self.text_columns, self.kind = tuple(text_columns), kind
        check_value("batch_size", own_number(batch_size), int)
        if batch_size < 1:
            raise UsageError(f"batch_size must be at least 1, not {batch_size}.")
        self.bf16, self.batch_size = bf16, batch_size
        self.cut_to(max_length)
        self.positive_class = 1
        """The class whose F1 is measured."""
        check_value("temperature", own_number(temperature), float)
        if not 0.0 < temperature < math.inf:
            raise UsageError(
                f"temperature must be a positive number, not {temperature}: 1 leaves the logits as they are."
            )
        self.temperature = float(temperature)

    def cut_to(self, max_length: int) -> None:
        """Cut texts to this number of tokens, or to the model's own number of positions."""
        check_value("max_length", own_number(max_length), int)
        self.max_length = tokens_to_read(self.model, max_length, self.tokenizer, pairs=len(self.text_columns) > 1)

    @property
    def device(self) -> torch.device:
        """Where the model's weights are."""
        device: torch.device = next(self.model.parameters()).device
        return device

    def reading(self, text_columns: Sequence[str]) -> EvaluatedModel:
        """The same model, reading other columns."""
        other = copy.copy(self)
        other.text_columns = tuple(text_columns)
        return other

    def batches(self, rows: Dataset) -> Iterator[tuple[list[int], Batch]]:
        """Positions and tensors of all rows, on the model's device, in batches of similar length."""
        end_token = end_token_of_head(self.model, self.tokenizer)
        encoded = encode(rows, self.tokenizer, self.text_columns, self.max_length, self.kind, end_token)
        if self.kind == "causal_lm" and not len(encoded):
            raise UsageError("the texts have only one token in all, so none can be predicted: give longer texts.")
        for positions, batch in batches(encoded, self.tokenizer, self.batch_size):
            yield positions, {key: value.to(self.device) for key, value in batch.items()}

    def logits(self, batch: Batch, delta: Tensor | None = None) -> Tensor:
        """Logits of one batch, float32, shape (B, C), or (B, T, C) for models with an output per token.

        Args:
            batch: token ids, masks and labels of B examples.
            delta: a perturbation of the token embeddings, (B, T, d).
        """
        moved = nullcontext() if delta is None else perturbed(self.model, batch, delta)
        with moved, self.autocast():
            return logits_of_batch(self.model, batch).float()

    def gradient_at(
        self, batch: Batch, delta: Tensor, loss: Callable[[Tensor], Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits at a perturbation, the loss of each example by `loss`, (B,), and its gradient there, (B, T, d)."""
        leaf = delta.detach().requires_grad_()
        with gradients_enabled():
            logits = self.logits(batch, leaf)
            losses = loss(logits)
            gradient = gradient_through_logits(losses, logits, leaf)
        return logits.detach(), losses.detach(), gradient

    def clean_logits(self, batch: Batch) -> Tensor:
        """The logits of texts as they are, which must be numbers; see `logits`."""
        logits = self.logits(batch)
        self.check_numbers(logits)
        return logits

    def check_numbers(self, logits: Tensor) -> None:
        """Refuse outputs that are NaN or infinite; of NaN the largest would always be class 0."""
        if not bool(logits.amax().isfinite()):  # the largest of several numbers and NaN is NaN
            precision = ", without bfloat16" if self.bf16 else ""
            raise UsageError(
                "the model's outputs are not numbers (NaN or infinite), as those of a training that diverged: train it "
                f"with a lower learning rate{precision}."
            )

    def task(self, batch: Batch) -> TaskKind:
        """The kind of task, with the labels of a batch."""
        return KINDS[self.kind].from_batch(batch["labels"])

    @torch.no_grad()
    def outputs(self, rows: Dataset) -> tuple[Outputs, NDArray[Any]]:
        """The outputs that metrics are computed from (`TaskKind.outputs`), and the labels, in the order of the rows.

        Returns:
            Outputs (N, ...) and labels (N,), or (N, C) for multi-label; no labels for models with an output per
            token, whose outputs contain them.
        """
        order: list[int] = []
        outputs, labels = [], []
        with evaluation_mode(self.model):
            for positions, batch in self.batches(rows):
                order += positions
                outputs.append(self.task(batch).outputs(self.clean_logits(batch)).cpu().double().numpy())
                labels.append(batch["labels"].cpu().numpy())
        in_order = np.argsort(order)
        labels_per_token = issubclass(KINDS[self.kind], Tokens)
        return (
            concatenate_outputs(outputs)[in_order],
            np.empty(0) if labels_per_token else np.concatenate(labels)[in_order],
        )

    def texts(self, rows: Dataset) -> list[tuple[str, ...]]:
        """The text columns of every row; a missing text is empty."""
        columns = ([text or "" for text in rows[column]] for column in self.text_columns)
        return list(zip(*columns, strict=True))

    def probabilities(self, rows: Dataset) -> tuple[Probabilities, Labels]:
        """Class probabilities (N, C) and labels (N,) of a classifier, in the order of the rows."""
        return self.outputs(rows)

    @torch.no_grad()
    def logits_of(self, texts: Sequence[tuple[str, ...]]) -> NDArray[np.float64]:
        """Logits (N, C) of texts without labels: one string per text column each."""
        end_token = end_token_of_head(self.model, self.tokenizer)
        columns = [[spaced_out(str(text), end_token) for text in column] for column in zip(*texts, strict=True)]
        encoded = self._encoded(columns)
        order = sorted(range(len(texts)), key=lambda i: -len(encoded["input_ids"][i]))
        logits = []
        with evaluation_mode(self.model):
            for start in range(0, len(order), self.batch_size):
                positions = order[start : start + self.batch_size]
                part = {key: [values[i] for i in positions] for key, values in encoded.items()}
                batch = {key: value.to(self.device) for key, value in pad(self.tokenizer, part).items()}
                logits.append(self.clean_logits(batch).cpu().double().numpy())
        return np.concatenate(logits)[np.argsort(order)]

    def _encoded(self, columns: Sequence[Sequence[str]]) -> dict[str, list[list[int]]]:
        """The tokens of texts, a list per text column."""
        encoded: dict[str, list[list[int]]] = {}
        for start in range(0, len(columns[0]), TOKENIZED_AT_ONCE):
            part = [column[start : start + TOKENIZED_AT_ONCE] for column in columns]
            tokens = self.tokenizer(*part, truncation=True, max_length=self.max_length)
            for key, rows in without_empty_rows(tokens, self.tokenizer).items():
                encoded.setdefault(key, []).extend(rows)
        return encoded

    def probabilities_of(self, texts: Sequence[tuple[str, ...]]) -> Probabilities:
        """Class probabilities (N, C) of texts without labels."""
        probabilities: Probabilities = softmax(self.logits_of(texts) / self.temperature, axis=1)
        return probabilities

    def autocast(self) -> AbstractContextManager[None]:
        """The precision of a forward pass."""
        context: AbstractContextManager[None] = torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)
        return context
