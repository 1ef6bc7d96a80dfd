from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from conftest import batch, bert
from uegr.backward.backward_stage import optimizer_parameters
from uegr.backward.replay import Replay
from uegr.backward.saliency_scores import SaliencyScores
from uegr.backward.selective import SelectiveBackward
from uegr.backward.uniform_draws import Draws
from uegr.errors import UsageError
from uegr.forward.plain import PlainForward
from uegr.modeling.model_parts import head_parameters

NO_REPLAY = Replay(PlainForward())


def adamw(model: nn.Module, **changes: Any) -> torch.optim.AdamW:
    return torch.optim.AdamW(model.parameters(), **{"lr": 0.01, "weight_decay": 0.1, **changes})


def set_gradients(model: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)


def snapshot(optimizer: torch.optim.Optimizer) -> list[list[Tensor]]:
    return [
        [one.detach().clone(), *(v.clone() for v in optimizer.state[one].values() if v.shape == one.shape)]
        for one in optimizer_parameters(optimizer)
    ]


@pytest.mark.parametrize("draw", ["bernoulli", "hard"])
def test_frozen_leaves_unselected_weights_and_moments_bit_for_bit(draw: Any) -> None:
    model = bert()
    optimizer = adamw(model)
    stage = SelectiveBackward(
        meaning="frozen", probability="top_share", draw=draw, share=0.3, p_min=0.2, refresh=1, lag=False
    )
    stage.attach(model, optimizer)
    for seed in range(3):  # from the second step on there is momentum that would move an unselected weight
        set_gradients(model, seed)
        before = snapshot(optimizer)
        stage.update(optimizer, seed, NO_REPLAY)
        after = snapshot(optimizer)
        masks = stage._masks(optimizer, Draws(seed))
    touched = untouched = 0
    for i, (mask, _) in masks.items():
        for old, new in zip(before[i], after[i], strict=True):
            assert torch.equal(old[~mask], new[~mask])
        touched += int((before[i][0] != after[i][0]).sum())
        untouched += int((~mask).sum())
    assert touched > 0
    assert untouched > 0


def test_gradient_under_adamw_does_move_unselected_weights() -> None:
    """What `frozen` is for: momentum and weight decay go on."""
    model = bert()
    optimizer = adamw(model)
    stage = SelectiveBackward(meaning="gradient", probability="top_share", draw="hard", refresh=1, lag=False)
    stage.attach(model, optimizer)
    for seed in range(2):
        set_gradients(model, seed)
        before = snapshot(optimizer)
        stage.update(optimizer, seed, NO_REPLAY)
    masks = stage._masks(optimizer, Draws(1))
    assert any(
        (before[i][0] != one)[~masks[i][0]].any() for i, one in enumerate(optimizer_parameters(optimizer)) if i in masks
    )


def test_masked_gradient_and_masked_update_are_unbiased() -> None:
    """E[m * x / p] = x, for the gradient (under SGD) and for the optimizer's own step (under AdamW)."""
    rounds = 3000
    for meaning, make in (("gradient", lambda m: torch.optim.SGD(m.parameters(), lr=1.0)), ("update", adamw)):
        model = nn.Linear(6, 5)
        start = copy.deepcopy(model.state_dict())
        set_gradients(model, 0)
        gradient = model.weight.grad.clone()
        plain = make(model)
        plain.step()
        full = model.weight.detach() - start["weight"]
        total = torch.zeros_like(full)
        stage = SelectiveBackward(meaning=meaning, probability="linear", p_min=0.3, rescale=True, refresh=1, lag=False)
        for seed in range(rounds):
            model.load_state_dict(start)
            model.weight.grad, model.bias.grad = gradient.clone(), torch.zeros(5)
            optimizer = make(model)
            stage.attach(model, optimizer)
            stage.update(optimizer, seed, NO_REPLAY)
            total += model.weight.detach() - start["weight"]
        torch.testing.assert_close(total / rounds, full, atol=float(full.abs().max()) * 0.12, rtol=0)


@pytest.mark.parametrize("meaning", ["gradient", "frozen", "update"])
def test_selecting_everything_is_the_plain_step(meaning: Any) -> None:
    model = bert()
    twin = copy.deepcopy(model)
    optimizer, plain = adamw(model), adamw(twin)
    stage = SelectiveBackward(meaning=meaning, p_min=1.0, refresh=1, lag=False, rescale=True)
    stage.attach(model, optimizer)
    for seed in range(2):
        for one in (model, twin):
            set_gradients(one, seed)
        stage.update(optimizer, seed, NO_REPLAY)
        plain.step()
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-7, rtol=1e-5)


def test_update_lets_the_moments_see_the_whole_gradient() -> None:
    model = bert()
    twin = copy.deepcopy(model)
    optimizer, plain = adamw(model), adamw(twin)
    stage = SelectiveBackward(meaning="update", refresh=1, lag=False)
    stage.attach(model, optimizer)
    for one in (model, twin):
        set_gradients(one, 0)
    stage.update(optimizer, 0, NO_REPLAY)
    plain.step()
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(optimizer.state[ours]["exp_avg_sq"], plain.state[theirs]["exp_avg_sq"])


def test_new_head_is_always_updated() -> None:
    model = bert()
    optimizer = adamw(model)
    stage = SelectiveBackward(meaning="frozen", probability="top_share", draw="hard", share=0.01, refresh=1, lag=False)
    stage.attach(model, optimizer)
    set_gradients(model, 0)
    before = model.classifier.weight.detach().clone()
    stage.update(optimizer, 0, NO_REPLAY)
    assert (model.classifier.weight != before).all()
    assert {id(one) for one in head_parameters(model)} == {id(one) for one in model.classifier.parameters()}
    assert head_parameters(nn.Linear(2, 2)) == []


def test_lag_makes_the_mask_blind_to_the_gradient_it_masks() -> None:
    masks = []
    for current in (1, 2):
        model = bert()
        optimizer = adamw(model)
        stage = SelectiveBackward(lag=True, refresh=1, saliency="gradient")
        stage.attach(model, optimizer)
        set_gradients(model, 0)
        stage.update(optimizer, 0, NO_REPLAY)
        set_gradients(model, current)
        masks.append(stage._masks(optimizer, Draws(7)))
    assert all(torch.equal(masks[0][i][0], masks[1][i][0]) for i in masks[0])


def test_saliency_kinds() -> None:
    parameter = nn.Parameter(torch.tensor([2.0, -1.0, 0.5]))
    parameter.grad = torch.tensor([1.0, -3.0, 0.0])
    assert SaliencyScores("gradient").score(0, parameter).tolist() == [1.0, 3.0, 0.0]
    assert SaliencyScores("taylor").score(0, parameter).tolist() == [2.0, 3.0, 0.0]
    fisher = SaliencyScores("fisher", decay=0.5)
    fisher.observe([parameter])
    fisher.observe([parameter])
    torch.testing.assert_close(fisher.score(0, parameter), torch.tensor([0.75, 6.75, 0.0]))


def test_ranks_are_refreshed_every_so_many_steps() -> None:
    model = bert()
    optimizer = adamw(model)
    stage = SelectiveBackward(refresh=3, lag=False, saliency="gradient")
    stage.attach(model, optimizer)
    levels = []
    for seed in range(4):
        set_gradients(model, seed)
        stage.update(optimizer, seed, NO_REPLAY)
        levels.append(stage._bins[0].clone())
    assert torch.equal(levels[0], levels[2])
    assert not torch.equal(levels[2], levels[3])


def test_parameter_without_gradient_is_no_trouble() -> None:
    model, data = bert(), batch()
    model.bert.embeddings.requires_grad_(False)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
    stage = SelectiveBackward(meaning="gradient", lag=False)
    stage.attach(model, optimizer)
    model(**data).loss.backward()
    model.bert.pooler.dense.bias.grad = None
    stage.update(optimizer, 0, NO_REPLAY)
    assert torch.isfinite(model.classifier.weight).all()


@pytest.mark.parametrize(
    "options", [{"meaning": "half"}, {"refresh": 0}, {"saliency": "size"}, {"saliency_decay": 1.0}, {"p_min": 0.0}]
)
def test_senseless_settings_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        SelectiveBackward(**options)
