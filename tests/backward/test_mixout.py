"""Mixout mixes the weights for the pass, and corrects the gradient."""

from __future__ import annotations

import pytest
import torch

from support.small_models import bert, weights_of
from support.training import DATA, LEARNING_RATE, assert_same_weights, begin, task_gradients, train


def test_one_step_equals_the_formula_with_the_masks_that_were_drawn() -> None:
    """After the weights have left their start, with p = 1/2."""
    model = bert(dropout=0.0)
    method, optimizer = begin("mixout", model, mix=0.5)
    start = weights_of(model)
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.1
    own = weights_of(model)
    loss = method.loss(DATA[0])
    mixed = weights_of(model)
    loss.backward()
    optimizer.step()
    twin = bert(dropout=0.0)
    with torch.no_grad():
        for weight, value in zip(twin.parameters(), mixed, strict=True):
            weight.copy_(value)
    gradients = task_gradients(twin, DATA[0])
    mixed_matrices = 0
    for i, weight in enumerate(model.parameters()):
        is_swapped = (mixed[i] - (start[i] - 0.5 * start[i]) / 0.5).abs() < 1e-6
        expected = torch.where(is_swapped, start[i], (own[i] - 0.5 * start[i]) / 0.5)
        if not torch.equal(mixed[i], own[i]):
            mixed_matrices += 1
            torch.testing.assert_close(mixed[i], expected)
            assert 0.3 < is_swapped.float().mean() < 0.7
            # The division by 1 - p is left out of the released code.
            step = torch.where(is_swapped, 0.0, -LEARNING_RATE * gradients[i] / 0.5)
            torch.testing.assert_close(weight.detach(), own[i] + step)
    assert mixed_matrices >= len([weight for weight in model.bert.encoder.parameters() if weight.dim() == 2])


def test_mixed_weights_are_never_seen_outside_a_step() -> None:
    model = bert(dropout=0.0)
    method, optimizer = begin("mixout", model, mix=0.7)
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    for data in DATA:
        method.loss(data).backward()
        optimizer.step()
        optimizer.zero_grad()
        assert_same_weights(model, bert(dropout=0.0))


def test_an_evaluation_within_a_step_sees_no_mixed_weights_and_changes_no_step() -> None:
    evaluated, plain = bert(dropout=0.0), bert(dropout=0.0)
    for model in (evaluated, plain):
        method, optimizer = begin("mixout", model, mix=0.7)
        for last in (False, True):
            method.loss(DATA[0]).backward()
            if model is evaluated and not last:
                with torch.no_grad():
                    loss = method.loss(DATA[1])
                    torch.testing.assert_close(loss, bert(dropout=0.0)(**DATA[1]).loss)
                assert_same_weights(model, bert(dropout=0.0))
        if model is evaluated:
            model.state_dict()
        optimizer.step()
    assert_same_weights(evaluated, plain)


@pytest.mark.parametrize("second", ["reset", "another method"])
def test_a_loss_without_its_step_leaves_nothing_for_a_second_training(second: str) -> None:
    """Ctrl-C within a step: the second training starts from the unmixed weights, and an evaluation keeps its own."""
    model = bert(dropout=0.0)
    method, _ = begin("mixout", model, mix=0.7)
    method.loss(DATA[3])
    if second == "reset":
        method.reset()
        for weight, expected in zip(weights_of(model), weights_of(bert(dropout=0.0)), strict=True):
            torch.testing.assert_close(weight, expected)
    method, optimizer = begin("plain", model)
    for data in DATA[:3]:
        method.loss(data).backward()
        optimizer.step()
        optimizer.zero_grad()
    with torch.no_grad():
        model(**DATA[0])
    assert_same_weights(model, train("plain", steps=3))
