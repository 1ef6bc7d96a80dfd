"""Methods that are attached to a model, and their steps."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from conftest import batch
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
