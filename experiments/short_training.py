"""A training loop for studies: constant batch size, a learning rate that falls linearly to zero, nothing written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from uegr.data.encoding import LengthGroupedSampler, lengths_of
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.methods.method_config import MethodConfig


def train_briefly(
    model: torch.nn.Module,
    encoded: Dataset,
    tokenizer: PreTrainedTokenizerBase,
    config: MethodConfig,
    optimizer: torch.optim.Optimizer,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
) -> None:
    """Train a model in memory.

    Args:
        model: in train mode.
        encoded: tokenised training rows; see `uegr.data.encoding.encode`.
        tokenizer: of the model.
        config: the method.
        optimizer: of the model's parameters, with the first learning rate.
        epochs: passes over the rows.
        batch_size: rows per step.
        seed: of the order of the rows, and of the method.
    """
    sampler = LengthGroupedSampler(lengths_of(encoded), batch_size, seed)

    def batches(epoch: int) -> Iterator[Any]:
        sampler.set_epoch(epoch)
        order = list(sampler)
        for start in range(0, len(order), batch_size):
            yield tokenizer.pad([encoded[i] for i in order[start : start + batch_size]], return_tensors="pt")

    method = config.attach(model=model, optimizer=optimizer, tokenizer=tokenizer, train_loader=batches(0), seed=seed)
    steps = epochs * -(-len(encoded) // batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0 - step / steps)
    for epoch in range(epochs):
        for batch in batches(epoch):
            method.loss(batch).backward()
            method.optimizer.step()
            schedule.step()
            method.optimizer.zero_grad()


def accuracy(evaluated_model: EvaluatedModel, rows: Dataset) -> float:
    """The share of rows that a classifier predicts correctly."""
    probabilities, labels = evaluated_model.probabilities(rows)
    return float((probabilities.argmax(axis=1) == labels).mean())
