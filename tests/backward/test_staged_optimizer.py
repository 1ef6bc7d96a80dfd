"""The optimizer with a backward stage in front is the user's own in everything else."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from support.small_models import batch, bert
from uegr.backward.staged_optimizer import StagedOptimizer
from uegr.errors import UsageError
from uegr.methods.method import Method
from uegr.methods.registry import UEGRConfig


def attached(learning_rate: float = 0.01) -> tuple[Method, torch.optim.AdamW]:
    """A method at work, and the optimizer under it."""
    model = bert().train()
    adamw = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    return UEGRConfig().attach(model=model, optimizer=adamw), adamw


def one_step(method: Method) -> None:
    method.loss(batch()).backward()
    method.optimizer.step()
    method.optimizer.zero_grad()


def test_the_optimizer_is_wrapped_and_not_copied() -> None:
    method, adamw = attached()
    optimizer = method.optimizer
    assert optimizer.param_groups is adamw.param_groups
    assert optimizer.state is adamw.state
    assert isinstance(optimizer, torch.optim.Optimizer)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.1)
    one_step(method)
    scheduler.step()
    assert adamw.param_groups[0]["lr"] == pytest.approx(0.001)
    assert copy.deepcopy(optimizer).param_groups is not adamw.param_groups


def test_its_state_holds_the_method_and_survives_a_file(tmp_path: Path) -> None:
    method, _ = attached()
    one_step(method)
    one_step(method)
    torch.save(method.optimizer.state_dict(), tmp_path / "optimizer.pt")
    state = torch.load(tmp_path / "optimizer.pt", weights_only=True)  # no pickle of anything but tensors
    resumed, _ = attached()
    resumed.optimizer.load_state_dict(state)
    assert resumed.state_dict()["steps"] == 2


def test_a_state_without_a_method_is_loaded_as_well() -> None:
    method, _ = attached()
    _, adamw = attached(learning_rate=0.5)
    method.optimizer.load_state_dict(adamw.state_dict())
    assert method.optimizer.param_groups[0]["lr"] == 0.5


def test_a_closure_is_refused() -> None:
    method, _ = attached()
    assert isinstance(method.optimizer, StagedOptimizer)
    with pytest.raises(UsageError, match="closure"):
        method.optimizer.step(lambda: 0.0)
