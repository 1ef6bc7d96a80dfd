"""The walk over memory against a readable twin, and against the stage's own slow path."""

from __future__ import annotations

import copy
import os
from typing import Any

import pytest
import torch
from torch import nn

from uegr.backward import selective
from uegr.backward.backward_stage import optimizer_parameters
from uegr.backward.fused_update import FusedUpdate, fusible
from uegr.backward.replay import Replay
from uegr.backward.selection import bin_of, look_up
from uegr.backward.selective import SelectiveBackward
from uegr.backward.triton_update import TritonUpdate, usable
from uegr.backward.uniform_draws import TILE, Draws
from uegr.forward.plain import PlainForward

NO_REPLAY = Replay(PlainForward())
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # before anything imports Triton
WALKS = {"walk": FusedUpdate, "kernel": lambda: TritonUpdate("cpu")}


class Body(nn.Module):
    """Parameters shorter, longer and several times as long as a portion, and a head."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.base_model = nn.ParameterList([torch.randn(5), torch.randn(300, 500), torch.randn(TILE + 1)])
        self.head = nn.Parameter(torch.randn(7))


def adamw(model: nn.Module, **changes: Any) -> torch.optim.AdamW:
    return torch.optim.AdamW(model.parameters(), **{"lr": 0.01, "weight_decay": 0.1, **changes})


def give_gradients(seed: int, *models: nn.Module) -> None:
    for model in models:
        generator = torch.Generator().manual_seed(seed)
        for one in model.parameters():
            one.grad = torch.randn(one.shape, generator=generator) * torch.rand(one.shape, generator=generator) ** 4


@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize("options", [{}, {"rescale": False}, {"draw": "hard", "probability": "linear"}, {"refresh": 2}])
@pytest.mark.parametrize("maximize", [False, True])
def test_walk_equals_the_readable_twin(options: dict[str, Any], walk: str, maximize: bool) -> None:
    """theta + m/p * (AdamW(theta) - theta), written down once more in five lines."""
    if walk == "kernel" and not usable("cpu"):
        pytest.skip("Triton is not installed: pip install triton")
    model = Body()
    optimizer = adamw(model, maximize=maximize)
    stage = SelectiveBackward(**options)
    stage._walks = [WALKS[walk]()]
    stage.attach(model, optimizer)
    for seed in range(4):
        twin = copy.deepcopy(model)
        plain = adamw(twin, maximize=maximize)
        plain.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        give_gradients(seed, model, twin)
        scores = [optimizer.state[one]["exp_avg_sq"].clone() for one in optimizer_parameters(optimizer)] if seed else []
        table = stage._table
        old = [one.detach().clone() for one in twin.parameters()]
        assert fusible(optimizer, "cpu") == (seed > 0)
        stage.update(optimizer, seed, NO_REPLAY)
        plain.step()
        for i, (ours, theirs) in enumerate(zip(model.parameters(), twin.parameters(), strict=True)):
            expected = theirs.detach()
            if i in stage.selectable and seed > 0:
                p = look_up(table, bin_of(scores[i]))
                mask = (Draws(seed).uniforms(i, p) < p).float()
                factor = mask / p if options.get("rescale", True) and not options.get("draw") else mask
                expected = old[i] + factor * (theirs.detach() - old[i])
                assert torch.equal(ours[mask == 0], old[i][mask == 0])  # unselected: to the last bit
                assert 0 < mask.mean() < 1
            torch.testing.assert_close(ours.detach(), expected, atol=5e-6, rtol=0)  # steps of 0.01, up to ten times
            for name in ("exp_avg", "exp_avg_sq", "step"):
                torch.testing.assert_close(optimizer.state[ours][name], plain.state[theirs][name])


def test_walk_equals_the_stages_own_slow_path(monkeypatch: pytest.MonkeyPatch) -> None:
    fast, slow = Body(), Body()
    optimizers = [adamw(fast, fused=True), adamw(slow, fused=True)]
    stages = [SelectiveBackward(refresh=2), SelectiveBackward(refresh=2)]
    for stage, model, optimizer in zip(stages, (fast, slow), optimizers, strict=True):
        stage.attach(model, optimizer)
    for seed in range(5):
        give_gradients(seed, fast, slow)
        stages[0].update(optimizers[0], seed, NO_REPLAY)
        with monkeypatch.context() as patch:
            patch.setattr(selective, "fusible", lambda optimizer, device: False)
            stages[1].update(optimizers[1], seed, NO_REPLAY)
    for one, other in zip(fast.parameters(), slow.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=5e-6, rtol=0)


def test_memory_is_that_of_plain_adamw() -> None:
    """No number an element beside AdamW's own two: only a table and one portion of scratch, whatever the model."""
    model = Body()
    optimizer = adamw(model)
    stage = SelectiveBackward()
    stage.attach(model, optimizer)
    for seed in range(2):
        give_gradients(seed, model)
        stage.update(optimizer, seed, NO_REPLAY)
    assert stage.scores.borrowed
    assert not stage.scores._means
    assert not stage._bins
    assert all(set(optimizer.state[one]) == {"step", "exp_avg", "exp_avg_sq"} for one in model.parameters())


@pytest.mark.parametrize(
    ("options", "optimizer_options", "borrowed"),
    [
        ({}, {}, True),
        ({"saliency_decay": 0.9}, {}, False),
        ({"meaning": "frozen"}, {}, False),  # a frozen element's moment stands still and would never rise again
        ({"meaning": "gradient"}, {}, False),  # there the moment has seen m * g / p
        ({"lag": False}, {}, False),
        ({"saliency": "taylor"}, {}, False),
        ({}, {"amsgrad": True}, True),
    ],
)
def test_who_reads_adamws_moment_and_who_walks(
    options: dict[str, Any], optimizer_options: dict[str, Any], borrowed: bool
) -> None:
    model = Body()
    optimizer = adamw(model, **optimizer_options)
    stage = SelectiveBackward(**options)
    stage.attach(model, optimizer)
    assert stage.scores.borrowed == borrowed
    for seed in range(2):
        give_gradients(seed, model)
        stage.update(optimizer, seed, NO_REPLAY)
    assert fusible(optimizer, "cpu") == (not optimizer_options)


def test_hooks_of_the_user_are_not_passed_over() -> None:
    model = Body()
    optimizer = adamw(model)
    stage = SelectiveBackward()
    stage.attach(model, optimizer)
    calls: list[int] = []
    optimizer.register_step_post_hook(lambda *_: calls.append(1))
    for seed in range(3):
        give_gradients(seed, model)
        stage.update(optimizer, seed, NO_REPLAY)
    assert len(calls) == 3
