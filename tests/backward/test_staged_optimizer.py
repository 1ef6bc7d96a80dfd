"""The optimizer with a backward stage in front is the user's own in everything else."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict, set_optimizer_state_dict

from support.small_models import batch, bert, weights_of
from uegr.errors import UegrWarning, UsageError
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


def test_a_distributed_checkpoint_is_loaded_and_the_method_beside_it() -> None:
    method, _ = attached()
    one_step(method)
    saved = copy.deepcopy(get_optimizer_state_dict(method._attached.model, method.optimizer))
    resumed, adamw = attached()
    model = resumed._attached.model
    model.load_state_dict(method._attached.model.state_dict())
    with pytest.warns(UegrWarning, match="method.load_state_dict"):
        set_optimizer_state_dict(model, resumed.optimizer, saved)  # makes a step of zero gradients first
    assert resumed.state_dict()["steps"] == 0
    resumed.load_state_dict(method.state_dict())
    for training in (method, resumed):
        one_step(training)
    assert all(torch.equal(a, b) for a, b in zip(*map(weights_of, (method._attached.model, model)), strict=True))
    assert adamw.param_groups[0]["lr"] == pytest.approx(0.01)


def test_a_step_of_a_warmup_from_zero_is_a_step_of_the_method() -> None:
    method, adamw = attached(learning_rate=0.0)
    one_step(method)
    assert method.state_dict()["steps"] == 1
    assert adamw.state


def test_a_closure_after_gradients_of_zero_is_a_step_of_the_method() -> None:
    """As in Lightning, where a warm-up begins at 0 and zero_grad keeps the gradients."""
    method, adamw = attached(learning_rate=0.0)
    method.loss(batch()).backward()
    method.optimizer.zero_grad(set_to_none=False)

    def closure() -> Tensor:
        loss = method.loss(batch())
        loss.backward()
        return loss

    assert method.optimizer.step(closure) is not None
    assert method.state_dict()["steps"] == 1 and adamw.state


def test_a_state_without_a_method_is_loaded_as_well() -> None:
    method, _ = attached()
    _, adamw = attached(learning_rate=0.5)
    with pytest.warns(UegrWarning, match="holds no state of the method"):
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
