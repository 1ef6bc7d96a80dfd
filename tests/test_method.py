from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from conftest import batch, bert
from uegr import METHODS, UEGR, UsageError, create_method
from uegr.backward.staged_optimizer import StagedOptimizer
from uegr.methods.method import Method
from uegr.methods.registry import options_of


def train(method: Method, steps: int, model: Any, optimizer: StagedOptimizer, start: int = 0) -> list[Tensor]:
    model.train()
    for i in range(start, start + steps):
        method.loss(model, batch(seed=i)).backward()
        optimizer.step()
        optimizer.zero_grad()
    return [one.detach().clone() for one in model.parameters()]


def begin(name: str, model: Any, **options: Any) -> tuple[Method, StagedOptimizer]:
    method = create_method(name, seed=3, total_steps=6, **options)
    optimizer = method.wrap_optimizer(torch.optim.AdamW(model.parameters(), lr=0.01), model)
    method.prepare(model.train(), [batch(seed=i) for i in range(2)])
    return method, optimizer


@pytest.mark.parametrize("name", METHODS)
def test_every_method_trains_and_learns(name: str) -> None:
    model = bert()
    method, optimizer = begin(name, model)
    model.train()
    losses = []
    for _ in range(30):
        losses.append(method.loss(model, batch()))
        losses[-1].backward()
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_resumes_to_the_same_bits(name: str) -> None:
    whole = bert()
    expected = train(*_swap(begin(name, whole), whole, 6))
    first = bert()
    method, optimizer = begin(name, first)
    train(method, 3, first, optimizer)
    weights, state = copy.deepcopy(first.state_dict()), copy.deepcopy(optimizer.state_dict())
    second = bert(seed=9)
    second.load_state_dict(weights)
    method = create_method(name, seed=3, total_steps=6)
    optimizer = method.wrap_optimizer(torch.optim.AdamW(second.parameters(), lr=0.01), second)
    optimizer.load_state_dict(state)
    torch.manual_seed(123)  # nothing of the global generator's state is needed
    resumed = train(method, 3, second, optimizer, start=3)
    assert all(torch.equal(a, b) for a, b in zip(resumed, expected, strict=True))


def _swap(pair: tuple[Method, StagedOptimizer], model: Any, steps: int) -> tuple[Method, int, Any, StagedOptimizer]:
    return pair[0], steps, model, pair[1]


def test_state_survives_a_file(tmp_path: Any) -> None:
    model = bert()
    method, optimizer = begin("uegr", model)
    train(method, 2, model, optimizer)
    torch.save(optimizer.state_dict(), tmp_path / "optimizer.pt")
    state = torch.load(tmp_path / "optimizer.pt", weights_only=True)  # no pickle of anything but tensors
    twin = bert()
    other, wrapped = begin("uegr", twin)
    wrapped.load_state_dict(state)
    assert other.state_dict()["steps"] == 2


def test_seed_decides() -> None:
    results = []
    for seed in (0, 0, 1):
        model = bert()
        method = UEGR(seed=seed, total_steps=4)
        optimizer = method.wrap_optimizer(torch.optim.AdamW(model.parameters(), lr=0.01), model)
        results.append(train(method, 2, model, optimizer)[0])
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


def test_optimizer_is_wrapped_not_copied() -> None:
    model = bert()
    base = torch.optim.AdamW(model.parameters(), lr=0.01)
    optimizer = UEGR().wrap_optimizer(base, model)
    assert optimizer.param_groups is base.param_groups
    assert optimizer.state is base.state
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.1)
    train(optimizer.method, 1, model, optimizer)  # type: ignore[arg-type]
    scheduler.step()
    assert base.param_groups[0]["lr"] == pytest.approx(0.001)
    assert isinstance(optimizer, torch.optim.Optimizer)
    assert copy.deepcopy(optimizer).param_groups is not base.param_groups


def test_optimizer_state_without_a_method_still_loads() -> None:
    model = bert()
    base = torch.optim.AdamW(model.parameters(), lr=0.5)
    optimizer = UEGR().wrap_optimizer(torch.optim.AdamW(model.parameters(), lr=0.01), model)
    optimizer.load_state_dict(base.state_dict())
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_loops_that_forget_something_are_told() -> None:
    model = bert()
    with pytest.raises(UsageError, match="wrap the optimizer"):
        UEGR().loss(model, batch())
    method, optimizer = begin("uegr", model)
    with pytest.raises(UsageError, match="labels"):
        method.loss(model, {"input_ids": batch()["input_ids"]})
    with pytest.raises(UsageError, match="closure"):
        optimizer.step(lambda: 0.0)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("ueger", {}, "did you mean 'uegr'"),
        ("uegr", {"epsilo": 0.1}, "did you mean 'epsilon'"),
        ("plain", {"epsilon": 0.1}, "takes no options"),
        ("uegr", {"epsilon": "much"}, "epsilon must be a number"),
        ("uegr", {"passes": 1.5}, "passes must be a whole number"),
        ("uegr", {"adversary": 1}, "adversary must be True or False"),
        ("uegr", {"dropout": 0.1}, "dropout must be a list"),
        ("uegr", {"norm": "l7"}, "unknown norm"),
    ],
)
def test_unknown_methods_options_and_values(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        create_method(name, **options)


def test_a_pair_takes_one_stage_of_each_method_with_its_defaults() -> None:
    method = create_method("pgd+roast", alpha=0.9, steps=5)
    pgd, roast = create_method("pgd"), create_method("roast")
    assert type(method.forward) is type(pgd.forward)
    assert type(method.backward) is type(roast.backward)
    assert method.forward.adversary.ascent.steps == 5  # type: ignore[attr-defined]
    assert method.forward.adversary.ascent.random_start  # type: ignore[attr-defined]
    assert method.backward.selection.alpha == 0.9  # type: ignore[attr-defined]
    assert method.name == "pgd+roast"
    with pytest.raises(UsageError, match="did you mean 'roast'"):
        create_method("pgd+raost")
    with pytest.raises(UsageError, match="more than two"):
        create_method("pgd+roast+sam")


def test_no_option_belongs_to_a_forward_and_a_backward_stage() -> None:
    """Otherwise a pair could not tell which of its stages an option is for."""
    forward = {name for entry in METHODS.values() for name in options_of(entry.forward)}
    backward = {name for entry in METHODS.values() for name in options_of(entry.backward)}
    assert not forward & backward


@pytest.mark.parametrize(("name", "units"), [("plain", 3), ("r-drop", 6), ("freelb", 9), ("sam", 6), ("roast", 8)])
def test_costs_in_forward_passes_are_those_of_the_papers(name: str, units: float) -> None:
    assert create_method(name).cost() == units


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_card_that_names_its_source(name: str) -> None:
    card = (Path(__file__).parents[1] / "docs" / "methods" / f"{name}.md").read_text()
    for part in ("## How to use", "## Caveats"):
        assert part in card
    paper = METHODS[name].paper
    assert paper in card or paper == "-"
