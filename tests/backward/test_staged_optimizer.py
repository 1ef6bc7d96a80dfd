"""The optimizer with a backward stage in front is the user's own in everything else."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor

from support.small_models import batch, bert, weights_of
from uegr.errors import UsageError
from uegr.methods.method import Method
from uegr.methods.method_lookup import METHODS, make_config
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


@pytest.mark.parametrize("name", METHODS)
def test_a_step_with_a_closure_is_the_step_of_an_ordinary_loop(name: str) -> None:
    """As in Lightning's automatic optimization: loss, zero_grad and backward inside the closure."""
    results = []
    for by_closure in (False, True):
        model = bert(dropout=0.1)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        method = make_config(name).attach(model=model, optimizer=optimizer, train_loader=[batch()])

        def closure(method: Method = method) -> Tensor:
            loss = method.loss(batch())
            method.optimizer.zero_grad()
            loss.backward()
            return loss

        losses = []
        for _ in range(3):
            if by_closure:
                with torch.no_grad():
                    losses.append(method.optimizer.step(closure).detach())
            else:
                losses.append(closure().detach())
                assert method.optimizer.step() is None
        results.append((losses, weights_of(model)))
    assert results[0][0] == results[1][0]
    assert all(torch.equal(left, right) for left, right in zip(results[0][1], results[1][1], strict=True))


def test_an_optimizer_that_would_leave_the_model_as_it_is_is_refused() -> None:
    model = bert()
    with pytest.raises(UsageError, match="the optimizer holds no weight of this model"):
        UEGRConfig().attach(model=model, optimizer=torch.optim.AdamW(bert().parameters()))
    optimizer = torch.optim.AdamW(model.parameters())
    UEGRConfig().attach(model=model, optimizer=optimizer)
    with pytest.raises(UsageError, match="no weight requires a gradient"):
        UEGRConfig().attach(model=model.requires_grad_(False), optimizer=optimizer)
