"""A method at work: it learns, resumes to the same bits, and says what a loop has forgotten."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from support.attached_methods import prepared, train, with_options
from support.small_models import batch, bert, weights_of
from uegr import METHODS, UsageError
from uegr.methods.method_lookup import make_config
from uegr.methods.registry import ChildTuningDConfig, PlainConfig, UEGRConfig


@pytest.mark.parametrize("name", METHODS)
def test_every_method_learns(name: str) -> None:
    method = prepared(name, bert())
    losses = []
    for _ in range(15):
        losses.append(method.loss(batch()))
        losses[-1].backward()
        method.optimizer.step()
        method.optimizer.zero_grad()
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_resumes_to_the_same_bits(name: str) -> None:
    model = bert()
    expected = train(prepared(name, model), model, range(6))
    first = bert()
    method = prepared(name, first)
    train(method, first, range(3))
    weights, state = copy.deepcopy(first.state_dict()), copy.deepcopy(method.optimizer.state_dict())
    second = bert(seed=9)
    second.load_state_dict(weights)
    method = with_options(name, second)  # the state says that it is prepared
    method.optimizer.load_state_dict(state)
    torch.manual_seed(123)  # nothing of the global generator's state is needed
    resumed = train(method, second, range(3, 6))
    assert all(torch.equal(weight, whole) for weight, whole in zip(resumed, expected, strict=True))


def test_the_seed_decides() -> None:
    weights = []
    for seed in (0, 0, 1):
        model = bert().train()
        method = UEGRConfig().attach(model=model, optimizer=torch.optim.AdamW(model.parameters(), lr=0.01), seed=seed)
        weights.append(train(method, model, range(2))[0])
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_attaching_in_one_call_equals_the_steps_one_by_one() -> None:
    """create, wrap_optimizer and prepare are what `attach` calls."""
    loader, weights = [batch(seed=i) for i in range(2)], []
    for in_one_call in (True, False):
        model = bert().train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        if in_one_call:
            method = ChildTuningDConfig().attach(model=model, optimizer=optimizer, train_loader=loader, seed=3)
            wrapped = method.optimizer
        else:
            method = ChildTuningDConfig().create(seed=3)
            wrapped = method.wrap_optimizer(optimizer, model)
            method.prepare(loader)
        for data in loader:
            method.loss(data).backward()
            wrapped.step()
            wrapped.zero_grad()
        weights.append(weights_of(model))
    assert all(torch.equal(first, second) for first, second in zip(*weights, strict=True))


def test_attach_takes_keywords_in_any_order_and_returns_the_method() -> None:
    model = bert()
    optimizer = torch.optim.AdamW(model.parameters())
    method = UEGRConfig(passes=3).create(class_weights=[1.0, 2.0])
    assert method.attach(optimizer=optimizer, model=model) is method
    assert method.optimizer.optimizer is optimizer
    assert method.config == UEGRConfig(passes=3)
    with pytest.raises(TypeError):
        method.attach(model, optimizer)  # type: ignore[misc]


def test_the_model_of_a_loss_may_be_a_wrapper_of_the_attached_one() -> None:
    class Wrapper(torch.nn.Module):
        calls = 0

        def forward(self, **inputs: Tensor) -> Any:
            self.calls += 1
            return model(**inputs)

    model, wrapper = bert(dropout=0.0).train(), Wrapper()
    method = with_options("plain", model)
    assert method.loss(batch(), model=wrapper) == method.loss(batch())
    assert wrapper.calls == 1


def test_num_items_takes_the_place_of_the_number_of_targets() -> None:
    method = with_options("plain", bert(dropout=0.0))
    torch.testing.assert_close(method.loss(batch(), num_items=8), method.loss(batch()) / 2)


def test_terms_are_the_parts_of_the_last_loss() -> None:
    method = with_options("uegr", bert(), js_weight=0.5, clean_weight=2.0)
    loss = method.loss(batch())
    terms = method.terms
    expected = terms["pass_loss"] + 0.5 * terms["divergence"] + 2.0 * terms["clean_loss"]
    torch.testing.assert_close(loss.detach(), expected)
    assert not any(term.requires_grad for term in terms.values())


def test_what_a_loop_has_forgotten_is_said() -> None:
    with pytest.raises(UsageError, match="attach the method first"):
        UEGRConfig().create().loss(batch())
    with pytest.raises(UsageError, match="attach the method first"):
        _ = UEGRConfig().create().optimizer
    method = with_options("uegr", bert())
    with pytest.raises(UsageError, match="'labels'"):
        method.loss({"input_ids": batch()["input_ids"]})


def test_preparation_leaves_weights_gradients_and_mode_as_they_were() -> None:
    model = bert()
    before = weights_of(model)
    method = with_options("roast", model)
    model.eval()
    method.prepare([batch()])
    assert not model.training
    assert all(torch.equal(old, new) for old, new in zip(before, weights_of(model), strict=True))
    assert all(parameter.grad is None for parameter in model.parameters())
    batches = iter([batch()])
    method.prepare(batches)
    assert next(batches, None) is not None, "it was prepared already"


@pytest.mark.parametrize("name", METHODS)
def test_every_method_uses_class_weights(name: str) -> None:
    """With weight 0 on every class only the divergences are left, which do not depend on the labels."""
    model, gradients = bert(dropout=0.1).train(), []
    for weights in (None, [0.0, 0.0]):
        method = make_config(name).attach(
            model=model,
            optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
            train_loader=[batch()],
            class_weights=weights,
        )
        by_label = []
        for label in (0, 1):
            method.load_state_dict({**method.state_dict(), "calls": 0})
            model.zero_grad()
            method.loss({**batch(), "labels": torch.full((4,), label)}).backward()
            by_label.append(model.classifier.bias.grad.clone())
        gradients.append(by_label)
    assert not torch.allclose(*gradients[0], atol=1e-4)
    torch.testing.assert_close(*gradients[1], atol=1e-6, rtol=0)


@pytest.mark.parametrize(("name", "units"), [("plain", 3), ("r-drop", 6), ("freelb", 9), ("sam", 6), ("roast", 8)])
def test_costs_in_forward_passes_are_those_of_the_papers(name: str, units: float) -> None:
    assert make_config(name).create().cost() == units


def test_a_method_without_options_trains_as_the_plain_loop() -> None:
    model, twin = bert(dropout=0.0).train(), bert(dropout=0.0).train()
    method = PlainConfig().attach(model=model, optimizer=torch.optim.AdamW(model.parameters(), lr=0.01))
    adamw = torch.optim.AdamW(twin.parameters(), lr=0.01)
    for i in range(3):
        method.loss(batch(seed=i)).backward()
        twin(**batch(seed=i)).loss.backward()
        for optimizer in (method.optimizer, adamw):
            optimizer.step()
            optimizer.zero_grad()
    for weight, expected in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(weight, expected)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_that_is_reset_trains_again_as_the_first_time(name: str) -> None:
    first = bert()
    method = prepared(name, first)
    expected = train(method, first, range(3))
    second = bert()
    optimizer = torch.optim.AdamW(second.parameters(), lr=0.01)
    with pytest.raises(UsageError, match="call method.reset"):
        method.attach(model=second.train(), optimizer=optimizer)
    method.reset().attach(model=second, optimizer=optimizer, train_loader=[batch(seed=i) for i in range(2)])
    for weight, other in zip(train(method, second, range(3)), expected, strict=True):
        assert torch.equal(weight, other)


@pytest.mark.parametrize(
    "weights",
    ["balanced", [1.0, -1.0], [1.0, float("nan")], [1.0, float("inf")], {"no": 1.0}, {0: 1.0, 1: 5.0}, [], 2.0],
)
def test_class_weights_that_weight_nothing_are_refused(weights: Any) -> None:
    with pytest.raises(UsageError, match="class_weights must be one number per class, none of them negative, not"):
        PlainConfig().create(class_weights=weights)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", None])
def test_a_seed_that_is_no_whole_number_is_refused(seed: Any) -> None:
    with pytest.raises(UsageError, match="seed must be"):
        PlainConfig().create(seed=seed)
    assert PlainConfig().create(seed=np.int64(3)).seed == 3


def test_what_is_no_model_or_no_optimizer_is_refused() -> None:
    model = bert()
    with pytest.raises(UsageError, match="model must be a torch.nn.Module, not 'bert': load it first"):
        PlainConfig().attach(model="bert", optimizer=torch.optim.SGD(model.parameters()))  # type: ignore[arg-type]
    for optimizer in ("adamw", torch.optim.AdamW, model.parameters()):
        with pytest.raises(UsageError, match="optimizer must be an optimizer, not .* make it from the model's weights"):
            PlainConfig().attach(model=model, optimizer=optimizer)  # type: ignore[arg-type]


def test_an_optimizer_that_computes_the_loss_again_is_refused() -> None:
    model = bert()
    with pytest.raises(UsageError, match="LBFGS computes the loss several times in a step"):
        PlainConfig().attach(model=model, optimizer=torch.optim.LBFGS(model.parameters()))


def test_a_step_of_no_batches_is_refused() -> None:
    method = with_options("child-tuning-d", bert())
    with pytest.raises(UsageError, match="accumulation_steps must be at least 1, not 0"):
        method.prepare([batch()], accumulation_steps=0)
