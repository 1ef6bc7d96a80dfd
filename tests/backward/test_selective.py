"""UEGR's backward stage: which parameters it selects among, when it ranks, and from which gradients."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from support.gradients import adamw, set_gradients
from support.small_models import batch, bert
from support.stages import NO_REPLAY, stage_of
from uegr.backward.selective import SelectiveBackward
from uegr.backward.uniform_draws import Draws


def test_the_first_step_updates_everything() -> None:
    model = bert()
    optimizer = adamw(model)
    stage = stage_of(SelectiveBackward, mask_mode="frozen", probability="top_share", share=0.01)
    stage.attach(model, optimizer)
    set_gradients(model, 0)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    stage.update(optimizer, 0, NO_REPLAY)
    assert all((old != new).all() for old, new in zip(before, model.parameters(), strict=True))


def test_the_new_head_is_always_updated() -> None:
    model = bert()
    optimizer = adamw(model)
    stage = stage_of(SelectiveBackward, mask_mode="frozen", probability="top_share", share=0.01, refresh=1)
    stage.attach(model, optimizer)
    for seed in range(2):
        set_gradients(model, seed)
        head, body = (weight.detach().clone() for weight in (model.classifier.weight, model.bert.pooler.dense.weight))
        stage.update(optimizer, seed, NO_REPLAY)
    assert (model.classifier.weight != head).all()
    assert (model.bert.pooler.dense.weight == body).float().mean() > 0.9


@pytest.mark.parametrize("saliency", ["fisher", "gradient", "taylor"])
@pytest.mark.parametrize("mask_mode", ["gradient", "frozen", "update"])
def test_a_mask_does_not_depend_on_the_gradient_that_it_masks(saliency: str, mask_mode: str) -> None:
    """The assumption of Theorem 1: scores come from earlier steps only."""
    masks = []
    for current_gradient in (1, 2):
        model = bert()
        optimizer = adamw(model)
        stage = stage_of(SelectiveBackward, refresh=1, saliency=saliency, mask_mode=mask_mode)
        stage.attach(model, optimizer)
        set_gradients(model, 0)
        stage.update(optimizer, 0, NO_REPLAY)
        set_gradients(model, current_gradient)
        masks.append(stage._masks(optimizer, Draws(7)))
    assert masks[0]
    assert all(torch.equal(mask, masks[1][i][0]) for i, (mask, _) in masks[0].items())


@pytest.mark.parametrize("saliency", ["fisher", "gradient"])
@pytest.mark.parametrize("mask_mode", ["gradient", "frozen", "update"])
def test_scores_are_of_the_gradients_before_they_are_masked(saliency: str, mask_mode: str) -> None:
    """Otherwise a weight that is not selected once would never be selected again."""
    scores: list[dict[int, torch.Tensor]] = []
    for p_min in (0.1, 1.0):
        model = bert()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        stage = stage_of(SelectiveBackward, refresh=1, saliency=saliency, mask_mode=mask_mode, p_min=p_min)
        stage.attach(model, optimizer)
        for seed in range(4):
            set_gradients(model, seed)
            stage.update(optimizer, seed, NO_REPLAY)
        scores.append(stage.scores.means if saliency == "fisher" else stage._bins)
    assert scores[0]
    assert all(torch.equal(values, scores[1][i]) for i, values in scores[0].items())


@pytest.mark.parametrize("mask_mode", ["gradient", "frozen", "update"])
def test_taylor_scores_are_of_the_weights_before_the_step(mask_mode: str) -> None:
    bins = []
    for lr in (0.0, 1.0):
        model = bert()
        optimizer = torch.optim.SGD(model.parameters(), lr=lr)
        stage = stage_of(SelectiveBackward, refresh=1, saliency="taylor", mask_mode=mask_mode)
        stage.attach(model, optimizer)
        set_gradients(model, 0)
        stage.update(optimizer, 0, NO_REPLAY)
        bins.append(stage._bins)
    assert bins[0]
    assert all(torch.equal(values, bins[1][i]) for i, values in bins[0].items())


def test_masks_depend_on_the_seed_of_the_step_and_select_by_p() -> None:
    model = bert()
    optimizer = adamw(model)
    stage = stage_of(SelectiveBackward, probability="linear", p_min=0.2)
    stage.attach(model, optimizer)
    set_gradients(model, 0)
    stage.update(optimizer, 0, NO_REPLAY)
    first, second = (stage._masks(optimizer, Draws(seed)) for seed in (1, 2))
    flat = [torch.cat([mask.flatten() for mask, _ in masks.values()]) for masks in (first, second)]
    assert not torch.equal(*flat)
    assert float(flat[0].float().mean()) == pytest.approx(0.6, abs=0.02)
    p = torch.cat([scale.reciprocal().flatten() for _, scale in first.values() if scale is not None])
    assert float(p.min()) == pytest.approx(0.2, abs=0.02)
    assert float(p.max()) == pytest.approx(1.0, abs=0.02)


def test_ranks_are_computed_again_every_n_steps() -> None:
    model = bert()
    optimizer = adamw(model)
    stage = stage_of(SelectiveBackward, refresh=3, saliency="gradient")
    stage.attach(model, optimizer)
    bins = []
    for seed in range(4):
        set_gradients(model, seed)
        stage.update(optimizer, seed, NO_REPLAY)
        bins.append(stage._bins[0].clone())
    assert torch.equal(bins[0], bins[2])
    assert not torch.equal(bins[2], bins[3])


@pytest.mark.parametrize("mask_mode", ["gradient", "frozen", "update"])
def test_a_parameter_without_a_gradient_is_left_alone(mask_mode: str) -> None:
    model, data = bert(), batch()
    model.bert.embeddings.requires_grad_(False)
    optimizer = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=0.01)
    stage = stage_of(SelectiveBackward, mask_mode=mask_mode, refresh=1)
    stage.attach(model, optimizer)
    bias = model.bert.pooler.dense.bias
    before = bias.detach().clone()
    for seed in range(2):
        model(**data).loss.backward()
        bias.grad = None
        stage.update(optimizer, seed, NO_REPLAY)
    assert torch.equal(bias, before)
    assert torch.isfinite(model.classifier.weight).all()


@pytest.mark.parametrize("options", [{}, {"saliency": "gradient"}, {"mask_mode": "frozen"}])
def test_a_resumed_stage_draws_the_same_masks(options: dict[str, Any]) -> None:
    model = bert()
    optimizer = adamw(model)
    stages = [stage_of(SelectiveBackward, **options) for _ in range(2)]
    for stage in stages:
        stage.attach(model, optimizer)
    set_gradients(model, 0)
    stages[0].update(optimizer, 0, NO_REPLAY)
    stages[1].load_state_dict(stages[0].state_dict())
    first, resumed = (stage._masks(optimizer, Draws(5)) for stage in stages)
    assert all(torch.equal(mask, resumed[i][0]) for i, (mask, _) in first.items())


def test_a_state_of_fewer_trainable_weights_is_loaded() -> None:
    """A loop may have unfrozen some since."""
    states = []
    for frozen in (True, False):
        model = bert()
        if frozen:
            model.bert.encoder.layer[0].requires_grad_(False)
        optimizer, stage = adamw(model), stage_of(SelectiveBackward, refresh=1)
        stage.attach(model, optimizer)
        if states:
            stage.load_state_dict(states[0])
        for seed in range(2):
            set_gradients(model, seed)
            stage.update(optimizer, seed, NO_REPLAY)
        states.append(stage.state_dict())
    assert len(states[1]["sampled"]) > len(states[0]["sampled"])


def test_a_state_of_an_earlier_version_is_loaded() -> None:
    """It counted the selectable parameters alone, and not all of the optimizer's."""
    model = bert()
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW([parameters[-1], *parameters[:-1]], lr=0.01)  # the first is of the head
    stages = [stage_of(SelectiveBackward, mask_mode="gradient", refresh=1) for _ in range(2)]
    for stage in stages:
        stage.attach(model, optimizer)
    set_gradients(model, 0)
    stages[0].update(optimizer, 0, NO_REPLAY)
    state = stages[0].state_dict()
    means = state["scores"].pop("means_by_position")
    assert list(means) == list(state["sampled"]) == stages[0].selectable != list(range(len(means)))
    state["scores"]["means"] = dict(enumerate(means.values()))
    stages[1].load_state_dict({**state, "selectable": [*means], "sampled": [*state["sampled"].values()]})
    for i, mean in means.items():
        assert torch.equal(stages[1].scores.means[i], mean)
        assert torch.equal(stages[1]._sampled_probabilities[i], state["sampled"][i])


@pytest.mark.parametrize("mask_mode", ["update", "gradient"])
def test_gradients_that_are_no_numbers_end_no_training(mask_mode: str) -> None:
    """The weights become NaN, as in plain fine-tuning, and nothing is looked up outside the table."""
    model = bert()
    optimizer, stage = adamw(model), stage_of(SelectiveBackward, mask_mode=mask_mode, refresh=1)
    stage.attach(model, optimizer)
    for seed in range(3):
        set_gradients(model, seed)
        for weight in model.parameters():
            assert weight.grad is not None
            weight.grad = torch.full_like(weight, -float("nan")) if seed else weight.grad
        stage.update(optimizer, seed, NO_REPLAY)
    assert model.classifier.weight.isnan().all()
