"""Methods that are attached to a model, and their steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from conftest import batch
from support.small_models import weights_of
from uegr.methods.method import Method
from uegr.methods.method_lookup import make_config


def attached(name: str, model: nn.Module, learning_rate: float = 0.01, **arguments: object) -> Method:
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    config = make_config(name)
    return config.attach(model=model.train(), optimizer=optimizer, train_loader=[batch()], seed=1, **arguments)  # type: ignore[arg-type]


def step(method: Method, data: dict[str, Tensor]) -> Tensor:
    loss = method.loss(data)
    loss.backward()
    method.optimizer.step()
    method.optimizer.zero_grad()
    return loss.detach()


def with_options(name: str, model: Any, *, train_loader: Any = None, **options: Any) -> Method:
    """A method with these options around AdamW, not prepared."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    config = make_config(name, options)
    return config.attach(model=model.train(), optimizer=optimizer, train_loader=train_loader, seed=3)


def prepared(name: str, model: Any) -> Method:
    """A method around AdamW, prepared on two batches."""
    return with_options(name, model, train_loader=[batch(seed=i) for i in range(2)])


def train(method: Method, model: Any, steps: range) -> list[Tensor]:
    """The weights after these steps."""
    for i in steps:
        method.loss(batch(seed=i)).backward()
        method.optimizer.step()
        method.optimizer.zero_grad()
    return weights_of(model)
