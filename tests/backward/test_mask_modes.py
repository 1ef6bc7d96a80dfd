"""What the three mask modes do to weights, moments and gradients."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from support.gradients import adamw, set_gradients
from support.small_models import bert
from support.stages import NO_REPLAY, stage_of
from uegr.backward import uniform_draws
from uegr.backward.backward_stage import optimizer_parameters
from uegr.backward.selective import SelectiveBackward
from uegr.backward.uniform_draws import Draws


def snapshot(optimizer: torch.optim.Optimizer) -> list[list[Tensor]]:
    """Every parameter and its moments."""
    return [
        [
            parameter.detach().clone(),
            *(value.clone() for value in optimizer.state[parameter].values() if value.shape == parameter.shape),
        ]
        for parameter in optimizer_parameters(optimizer)
    ]


def third_step(**options: Any) -> tuple[list[list[Tensor]], list[list[Tensor]], dict[int, Any]]:
    """Weights and moments before and after the third step of a selective update, and its masks.

    From the second step on there is momentum, which would move an unselected weight.
    """
    model = bert()
    optimizer = adamw(model)
    stage = stage_of(SelectiveBackward, refresh=1, **options)
    stage.attach(model, optimizer)
    for seed in range(3):
        set_gradients(model, seed)
        before, masks = snapshot(optimizer), stage._masks(optimizer, Draws(seed))
        stage.update(optimizer, seed, NO_REPLAY)
    return before, snapshot(optimizer), masks


@pytest.mark.parametrize("options", [{"probability": "top_share", "share": 0.3}, {"p_min": 0.2}])
@pytest.mark.parametrize("saliency", ["fisher", "gradient"])
def test_frozen_leaves_unselected_weights_and_moments_bit_for_bit(options: dict[str, Any], saliency: str) -> None:
    before, after, masks = third_step(mask_mode="frozen", saliency=saliency, **options)
    moved = unselected = 0
    for i, (mask, _) in masks.items():
        for old, new in zip(before[i], after[i], strict=True):
            assert torch.equal(old[~mask], new[~mask])
        moved += int((before[i][0] != after[i][0]).sum())
        unselected += int((~mask).sum())
    assert moved > 0
    assert unselected > 0


def test_gradient_under_adamw_does_move_unselected_weights() -> None:
    """What `frozen` is for: momentum and weight decay go on."""
    before, after, masks = third_step(mask_mode="gradient", probability="top_share")
    assert any((before[i][0] != after[i][0])[~mask].any() for i, (mask, _) in masks.items())


@pytest.mark.parametrize("mask_mode", ["gradient", "update"])
def test_masked_gradient_and_masked_update_are_unbiased(mask_mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """E[m * x / p] = x, for the gradient (under SGD) and for the optimizer's own step (under AdamW)."""
    rounds = 3000
    monkeypatch.setattr(uniform_draws, "TILE", 64)  # more than the layer has elements

    def optimizer_of(model: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.SGD(model.parameters(), lr=1.0) if mask_mode == "gradient" else adamw(model)

    model = nn.Linear(6, 5)
    start = copy.deepcopy(model.state_dict())
    set_gradients(model, 0)
    gradient = model.weight.grad.clone()
    optimizer_of(model).step()
    plain_step = model.weight.detach() - start["weight"]
    total = torch.zeros_like(plain_step)
    stage = stage_of(SelectiveBackward, mask_mode=mask_mode, probability="linear", p_min=0.3, saliency="gradient")
    optimizer = optimizer_of(model)
    stage.attach(model, optimizer)
    set_gradients(model, 1)
    stage._observe(optimizer)  # ranks come from another gradient
    for seed in range(rounds):
        model.load_state_dict(start)
        model.weight.grad, model.bias.grad = gradient.clone(), torch.zeros(5)
        optimizer.state.clear()
        stage._age = 1  # the ranks stay as they are
        stage.update(optimizer, seed, NO_REPLAY)
        total += model.weight.detach() - start["weight"]
    torch.testing.assert_close(total / rounds, plain_step, atol=float(plain_step.abs().max()) * 0.12, rtol=0)


@pytest.mark.parametrize("mask_mode", ["gradient", "frozen", "update"])
def test_selecting_everything_is_the_plain_step(mask_mode: str) -> None:
    model = bert()
    twin = copy.deepcopy(model)
    optimizer, plain = adamw(model), adamw(twin)
    stage = stage_of(SelectiveBackward, mask_mode=mask_mode, p_min=1.0, refresh=1)
    stage.attach(model, optimizer)
    for seed in range(3):
        set_gradients(model, seed)
        set_gradients(twin, seed)
        stage.update(optimizer, seed, NO_REPLAY)
        plain.step()
    for weight, expected in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(weight, expected, atol=1e-6, rtol=1e-5)


def test_update_lets_the_moments_see_the_whole_gradient() -> None:
    model = bert()
    twin = copy.deepcopy(model)
    optimizer, plain = adamw(model), adamw(twin)
    stage = stage_of(SelectiveBackward, mask_mode="update", refresh=1)
    stage.attach(model, optimizer)
    for seed in range(2):
        set_gradients(model, seed)
        set_gradients(twin, seed)
        stage.update(optimizer, seed, NO_REPLAY)
        plain.step()
    for weight, twin_weight in zip(model.parameters(), twin.parameters(), strict=True):
        for name in ("exp_avg", "exp_avg_sq"):
            torch.testing.assert_close(optimizer.state[weight][name], plain.state[twin_weight][name])
