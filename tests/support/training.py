"""Short trainings of a small BERT with plain SGD, for the rules of the backward stages."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from support.small_models import batch, bert
from uegr.backward.staged_optimizer import StagedOptimizer
from uegr.methods.method import Method
from uegr.methods.method_lookup import make_config

DATA = [batch(seed=i) for i in range(4)]
LEARNING_RATE = 0.1


def begin(name: str, model: nn.Module, **options: Any) -> tuple[Method, StagedOptimizer]:
    """A method around plain SGD, prepared on the first two batches."""
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    config = make_config(name, options)
    method = config.attach(model=model.train(), optimizer=optimizer, train_loader=DATA[:2], seed=1)
    return method, method.optimizer


def train(
    name: str, steps: int = 3, *, model_dropout: float = 0.0, accumulate: bool = False, **options: Any
) -> nn.Module:
    """A model after some steps, each on one batch or on two parts of it."""
    model = bert(dropout=model_dropout)
    method, optimizer = begin(name, model, **options)
    for data in DATA[:steps]:
        halves = (slice(0, 1), slice(1, 4)) if accumulate else (slice(0, 4),)
        for half in halves:
            method.loss({key: value[half] for key, value in data.items()}, num_items=4).backward()
        optimizer.step()
        optimizer.zero_grad()
    return model


def task_gradients(model: nn.Module, data: dict[str, Tensor]) -> list[Tensor]:
    """The gradient of the mean cross-entropy by every parameter."""
    logits = model(input_ids=data["input_ids"], attention_mask=data["attention_mask"]).logits
    loss, weights = F.cross_entropy(logits, data["labels"]), list(model.parameters())
    gradients = torch.autograd.grad(loss, weights, allow_unused=True)
    return [torch.zeros_like(w) if g is None else g for w, g in zip(weights, gradients, strict=True)]


def fisher_scores(model: nn.Module) -> list[Tensor]:
    """The mean squared gradient of the two batches that methods are prepared on."""
    scores = [torch.zeros_like(weight) for weight in model.parameters()]
    for data in DATA[:2]:
        for score, gradient in zip(scores, task_gradients(model, data), strict=True):
            score += gradient**2 / 2
    return scores


def assert_same_weights(model: nn.Module, expected: nn.Module) -> None:
    """The two models are equal to rounding."""
    weights = model.state_dict()
    for key, value in expected.state_dict().items():
        torch.testing.assert_close(weights[key], value, atol=1e-6, rtol=1e-5, msg=lambda text, key=key: key + text)
