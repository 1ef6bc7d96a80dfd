"""The model under evaluation: a classifier, its tokenizer, a device and a precision, behind one object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from uegr.data.encoding import batches, encode
from uegr.data.task import Kind
from uegr.modeling.metrics import Labels, Probabilities


class EvaluatedModel:
    """A model that is evaluated, in eval mode, its weights out of the graph.

    Args:
        model: a Hugging Face sequence classifier, or a model that writes text.
        tokenizer: its tokenizer.
        text_columns: the columns of text it reads.
        kind: what it predicts.
        bf16: run the forward passes under bfloat16 autocast.
        batch_size, max_length: of the batches.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        text_columns: Sequence[str],
        *,
        kind: Kind = "classification",
        bf16: bool = False,
        batch_size: int = 64,
        max_length: int = 128,
    ) -> None:
        model.eval()
        self.model = model.requires_grad_(False)
        self.tokenizer, self.text_columns = tokenizer, tuple(text_columns)
        self.kind = kind
        self.bf16, self.batch_size, self.max_length = bf16, batch_size, max_length

    def reading(self, text_columns: Sequence[str]) -> EvaluatedModel:
        """The same model, reading other columns."""
        return EvaluatedModel(
            self.model,
            self.tokenizer,
            text_columns,
            kind=self.kind,
            bf16=self.bf16,
            batch_size=self.batch_size,
            max_length=self.max_length,
        )

    def batches(self, rows: Dataset) -> Iterator[tuple[list[int], dict[str, Tensor]]]:
        """Positions and tensors of all rows, on the model's device, in batches of similar length."""
        encoded = encode(rows, self.tokenizer, self.text_columns, self.max_length, self.kind)
        for positions, batch in batches(encoded, self.tokenizer, self.batch_size):
            yield positions, {key: value.to(self.model.device) for key, value in batch.items()}

    def logits(self, batch: dict[str, Tensor]) -> Tensor:
        """Logits of one batch, float32, shape (B, C), or (B, T, C) for models that write text."""
        inputs = {key: value for key, value in batch.items() if key != "labels"}
        if self.kind == "seq2seq":
            shift = self.model.prepare_decoder_input_ids_from_labels
            inputs["decoder_input_ids"] = shift(batch["labels"])  # type: ignore[operator]
        with self.autocast():
            logits: Tensor = self.model(**inputs).logits
        return logits.float()

    @torch.no_grad()
    def probabilities(self, rows: Dataset) -> tuple[Probabilities, Labels]:
        """Class probabilities (N, C) and labels (N,), in the order of the rows."""
        classes = int(self.model.config.num_labels or 0)
        probabilities = np.zeros((len(rows), classes))
        labels = np.zeros(len(rows), dtype=np.int64)
        for positions, batch in self.batches(rows):
            probabilities[positions] = self.logits(batch).double().softmax(dim=-1).cpu().numpy()
            labels[positions] = batch["labels"].cpu().numpy()
        return probabilities, labels

    @torch.no_grad()
    def logits_of(self, texts: Sequence[tuple[str, ...]]) -> NDArray[np.float64]:
        """Logits (N, C) of texts that have no label: one string a text column each."""
        columns = [[str(text) for text in column] for column in zip(*texts, strict=True)]
        encoded = self.tokenizer(*columns, truncation=True, max_length=self.max_length)
        order = sorted(range(len(texts)), key=lambda i: -len(encoded["input_ids"][i]))
        logits = np.zeros((len(texts), int(self.model.config.num_labels or 0)))
        for at in range(0, len(order), self.batch_size):
            positions = order[at : at + self.batch_size]
            part = {key: [values[i] for i in positions] for key, values in encoded.items()}
            batch = self.tokenizer.pad(part, return_tensors="pt").to(self.model.device)
            logits[positions] = self.logits(dict(batch)).double().cpu().numpy()
        return logits

    def probabilities_of(self, texts: Sequence[tuple[str, ...]]) -> Probabilities:
        """Class probabilities (N, C) of texts that have no label."""
        probabilities: Probabilities = softmax(self.logits_of(texts), axis=1)
        return probabilities

    def autocast(self) -> AbstractContextManager[None]:
        context: AbstractContextManager[None] = torch.autocast(
            self.model.device.type, torch.bfloat16, enabled=self.bf16
        )
        return context
