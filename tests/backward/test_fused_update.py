"""The fused update against a readable reference and the stage's other path."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from support.gradients import adamw, set_gradients
from support.stages import NO_REPLAY, stage_of
from uegr.backward import selective
from uegr.backward.backward_stage import optimizer_parameters
from uegr.backward.fused_update import fusible
from uegr.backward.selection import bin_of, look_up
from uegr.backward.selective import SelectiveBackward
from uegr.backward.uniform_draws import TILE, Draws

SPREAD = 4.0
"""Of the gradients' sizes, so that elements have different ranks."""


class Body(nn.Module):
    """Parameters that are shorter, longer and several times as long as a portion, and a head."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.base_model = nn.ParameterList([torch.randn(5), torch.randn(300, 500), torch.randn(TILE + 1)])
        self.head = nn.Parameter(torch.randn(7))


@pytest.mark.parametrize("options", [{}, {"probability": "top_share"}, {"probability": "linear", "refresh": 2}])
@pytest.mark.parametrize("maximize", [False, True])
def test_equals_the_readable_reference(options: dict[str, Any], maximize: bool) -> None:
    """theta + m / p * (AdamW(theta) - theta), in five lines."""
    model = Body()
    optimizer = adamw(model, maximize=maximize)
    stage = stage_of(SelectiveBackward, **options)
    stage.attach(model, optimizer)
    for seed in range(4):
        twin = copy.deepcopy(model)
        plain = adamw(twin, maximize=maximize)
        plain.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        set_gradients(model, seed, SPREAD)
        set_gradients(twin, seed, SPREAD)
        parameters = optimizer_parameters(optimizer)
        scores = [optimizer.state[parameter]["exp_avg_sq"].clone() for parameter in parameters] if seed else []
        table = stage._table
        old = [weight.detach().clone() for weight in twin.parameters()]
        assert fusible(optimizer) == (seed > 0)
        stage.update(optimizer, seed, NO_REPLAY)
        plain.step()
        for i, (weight, plain_weight) in enumerate(zip(model.parameters(), twin.parameters(), strict=True)):
            expected = plain_weight.detach()
            if i in stage.selectable and seed > 0:
                assert table is not None
                p = look_up(table, bin_of(scores[i]))
                mask = (Draws(seed).uniforms(i, p) < p).float()
                factor = mask if options.get("probability") == "top_share" else mask / p
                expected = old[i] + factor * (plain_weight.detach() - old[i])
                assert torch.equal(weight[mask == 0], old[i][mask == 0]), "unselected: bit for bit"
                assert mask.numel() == 5 or 0 < mask.mean() < 1
            torch.testing.assert_close(weight.detach(), expected, atol=5e-6, rtol=0)  # steps of 0.01, up to ten times
            for name in ("exp_avg", "exp_avg_sq", "step"):
                torch.testing.assert_close(optimizer.state[weight][name], plain.state[plain_weight][name])


def test_equals_the_other_path_of_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    fused, readable = Body(), Body()
    optimizers = [adamw(fused, fused=True), adamw(readable, fused=True)]
    stages = [stage_of(SelectiveBackward, refresh=2) for _ in range(2)]
    for stage, model, optimizer in zip(stages, (fused, readable), optimizers, strict=True):
        stage.attach(model, optimizer)
    for seed in range(5):
        set_gradients(fused, seed, SPREAD)
        set_gradients(readable, seed, SPREAD)
        stages[0].update(optimizers[0], seed, NO_REPLAY)
        with monkeypatch.context() as patch:
            patch.setattr(selective, "fusible", lambda optimizer: False)
            stages[1].update(optimizers[1], seed, NO_REPLAY)
    for weight, expected in zip(fused.parameters(), readable.parameters(), strict=True):
        torch.testing.assert_close(weight, expected, atol=5e-6, rtol=0)


def test_memory_is_that_of_plain_adamw() -> None:
    """No number per element beside AdamW's own two: only a table and one portion of scratch, whatever the model."""
    model = Body()
    optimizer = adamw(model)
    stage = SelectiveBackward()
    stage.attach(model, optimizer)
    for seed in range(2):
        set_gradients(model, seed)
        stage.update(optimizer, seed, NO_REPLAY)
    assert stage.scores.from_optimizer
    assert not stage.scores.means
    assert not stage.state_dict()["bins"]
    assert all(set(optimizer.state[weight]) == {"step", "exp_avg", "exp_avg_sq"} for weight in model.parameters())


@pytest.mark.parametrize(
    ("options", "optimizer_options", "from_optimizer"),
    [
        ({}, {}, True),
        ({"mask_mode": "frozen"}, {}, False),  # a frozen element's moment stands still and would never rise again
        ({"mask_mode": "gradient"}, {}, False),  # there the moment has seen m * g / p
        ({"saliency": "taylor"}, {}, False),
        ({}, {"amsgrad": True}, True),
    ],
)
def test_who_reads_the_second_moment_and_who_can_be_fused(
    options: dict[str, Any], optimizer_options: dict[str, Any], from_optimizer: bool
) -> None:
    model = Body()
    optimizer = adamw(model, **optimizer_options)
    stage = stage_of(SelectiveBackward, **options)
    stage.attach(model, optimizer)
    assert stage.scores.from_optimizer == from_optimizer
    for seed in range(2):
        set_gradients(model, seed)
        stage.update(optimizer, seed, NO_REPLAY)
    assert fusible(optimizer) == (not optimizer_options)


def test_hooks_of_the_user_are_called() -> None:
    model = Body()
    optimizer = adamw(model)
    stage = SelectiveBackward()
    stage.attach(model, optimizer)
    calls: list[int] = []
    optimizer.register_step_post_hook(lambda *_: calls.append(1))
    for seed in range(3):
        set_gradients(model, seed)
        stage.update(optimizer, seed, NO_REPLAY)
    assert len(calls) == 3
