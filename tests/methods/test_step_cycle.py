"""A step that a loop skips, throws away or fails leaves no trace in the model, and is never made later."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from support.attached_methods import attached, step
from support.small_models import batch, bert, hook_count, recompute_activations
from uegr.errors import UsageError
from uegr.methods.method import Method
from uegr.methods.method_lookup import METHODS


def assert_leaves_no_trace(
    name: str, skip: Callable[[nn.Module, Method], object], train: Callable[[Method], None]
) -> None:
    """Train two equal models, the second after a batch that is skipped: the weights are the same."""
    models = [bert(dropout=0.0), bert(dropout=0.0)]
    for model, skips in zip(models, (False, True), strict=True):
        method = attached(name, model)
        if skips:
            skip(model, method)
            method.load_state_dict({**method.state_dict(), "calls": 0})  # the same dropout seeds as in the other loop
        train(method)
    for first, second in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.isfinite(second).all()
        torch.testing.assert_close(first, second)


@pytest.mark.parametrize("name", METHODS)
def test_a_skipped_batch_leaves_no_trace(name: str) -> None:
    """`if not isfinite(loss): zero_grad(); continue`: the weights and the next step are those of a loop without it."""

    def skip(model: nn.Module, method: Method) -> None:
        before = {key: value.clone() for key, value in model.state_dict().items()}
        method.loss(batch(seed=5)) * float("nan")
        method.optimizer.zero_grad()
        assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())

    assert_leaves_no_trace(name, skip, lambda method: step(method, batch(seed=6)))


@pytest.mark.parametrize("name", METHODS)
def test_a_skipped_step_is_thrown_away_after_the_next_loss(name: str) -> None:
    """Loss, zero_grad, backward, step, as in Lightning; a GradScaler skips the step of gradients that overflow."""

    def train(method: Method) -> None:
        for seed in (6, 7):
            loss = method.loss(batch(seed=seed))
            method.optimizer.zero_grad()
            loss.backward()
            method.optimizer.step()
        assert method.state_dict()["steps"] == 2

    assert_leaves_no_trace(name, lambda _, method: method.loss(batch(seed=5)).backward(), train)


def test_gradients_that_are_thrown_away_are_not_replayed() -> None:
    model, reference = bert(dropout=0.0), bert(dropout=0.0)
    method, plain = attached("sam", model), attached("sam", reference)
    (method.loss(batch(seed=5)) * float("inf")).backward()
    method.optimizer.zero_grad()
    step(method, batch(seed=6))
    step(plain, batch(seed=6))
    for weight, expected in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(weight, expected)


def test_a_second_backward_pass_through_a_skipped_loss_is_no_loss_of_this_step() -> None:
    method = attached("plain", bert(dropout=0.0))
    loss = method.loss(batch())
    for _ in range(2):
        loss.backward(retain_graph=True)
    method.optimizer.zero_grad()
    loss.backward()
    with pytest.raises(UsageError, match="without its forward stage"):
        method.optimizer.step()


def test_mixed_weights_are_never_saved() -> None:
    model = bert(dropout=0.0)
    method = attached("mixout", model)
    step(method, batch())
    before = {key: value.clone() for key, value in model.state_dict().items()}
    method.loss(batch(seed=3))
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert not model._state_dict_pre_hooks


@pytest.mark.parametrize("name", METHODS)
def test_a_step_without_a_backward_pass_is_an_error(name: str) -> None:
    method = attached(name, bert())
    method.loss(batch())
    with pytest.raises(UsageError, match=r"without gradients: call backward\(\) on the loss before it"):
        method.optimizer.step()


@pytest.mark.parametrize("name", METHODS)
def test_a_closure_that_skips_its_batch_makes_no_step(name: str) -> None:
    """Lightning calls step() with a closure that returns None where training_step returned None."""
    model = bert()
    method = attached(name, model)
    before = {key: value.clone() for key, value in model.state_dict().items()}

    def closure() -> None:
        method.optimizer.zero_grad()
        method.loss(batch())

    assert method.optimizer.step(closure) is None
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert method.state_dict()["steps"] == 0
    step(method, batch())


@pytest.mark.parametrize("set_to_none", [True, False])
@pytest.mark.parametrize("name", ["sam", "rose-first"])
def test_gradients_that_the_model_throws_away_are_not_replayed(name: str, set_to_none: bool) -> None:
    """model.zero_grad() in place of method.optimizer.zero_grad(), after a batch that is skipped."""
    model, reference = bert(dropout=0.0), bert(dropout=0.0)
    method, other = attached(name, model), attached(name, reference)
    for loop in (method, other):
        loop.loss(batch(seed=5)).backward()
    model.zero_grad(set_to_none=set_to_none)
    other.optimizer.zero_grad()
    step(method, batch(seed=6))
    step(other, batch(seed=6))
    for weight, expected in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(weight, expected)


@pytest.mark.parametrize("name", METHODS)
def test_a_loss_that_fails_leaves_the_model_as_it_was(name: str) -> None:
    """A loop may catch the error and go on, or evaluate the model."""
    model = bert()
    recompute_activations(model)
    hooks, method = hook_count(model), attached(name, model)
    step(method, batch())
    weights = [weight.clone() for weight in model.parameters()]
    with pytest.raises(UsageError, match="not one of the model's 2 classes"):
        method.loss({**batch(), "labels": torch.full((4,), 7)})
    assert all(map(torch.equal, weights, model.parameters()))
    assert hook_count(model) == hooks
    with pytest.raises(UsageError, match=r"without method\.loss"):
        method.optimizer.step()
    step(method, batch())
