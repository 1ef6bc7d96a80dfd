"""A loss of the user's own, class weights and label smoothing in the loss of every method."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from support.attached_methods import attached, step
from support.small_models import batch, bert
from uegr.methods.method_lookup import METHODS, make_config


def focal_loss(logits: Tensor, labels: Tensor) -> Tensor:
    cross_entropy = F.cross_entropy(logits, labels, reduction="none")
    return (1.0 - torch.exp(-cross_entropy)) ** 2 * cross_entropy


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("reduction", ["per example", "mean"])
def test_every_method_trains_with_the_users_loss(name: str, reduction: str) -> None:
    calls = []

    def loss_fn(logits: Tensor, labels: Tensor) -> Tensor:
        calls.append(labels.shape)
        values = focal_loss(logits, labels)
        return values.mean() if reduction == "mean" else values

    model = bert()
    method = attached(name, model, loss_fn=loss_fn)
    losses = [step(method, batch()) for _ in range(10)]
    assert losses[-1] < losses[0]
    assert set(calls) == {batch()["labels"].shape}


@pytest.mark.parametrize(
    ("name", "options", "same_as", "same_options"),
    [
        ("freelb", {"init_magnitude": 0.0, "ascent_rate": 0.0}, "plain", {}),
        ("uegr", {"passes": 1, "reuse": True}, "uegr", {"passes": 1}),
    ],
)
def test_weights_of_the_users_loss_have_their_gradient(
    name: str, options: dict[str, object], same_as: str, same_options: dict[str, object]
) -> None:
    """A temperature outside of the model, which the optimizer trains."""
    gradients = []
    for config in (make_config(name, options), make_config(same_as, same_options)):
        model, temperature = bert(dropout=0.0).train(), nn.Parameter(torch.ones(()))

        def loss_fn(logits: Tensor, labels: Tensor, divisor: Tensor = temperature) -> Tensor:
            return F.cross_entropy(logits / divisor, labels, reduction="none")

        optimizer = torch.optim.AdamW([*model.parameters(), temperature])
        config.attach(model=model, optimizer=optimizer, loss_fn=loss_fn).loss(batch()).backward()
        assert temperature.grad is not None
        gradients.append(temperature.grad)
    torch.testing.assert_close(*gradients)


def test_the_users_loss_is_the_task_loss() -> None:
    model = bert(dropout=0.0)
    method = attached("plain", model, loss_fn=focal_loss)
    inputs = {key: value for key, value in batch().items() if key != "labels"}
    expected = focal_loss(model(**inputs).logits, batch()["labels"]).mean()
    torch.testing.assert_close(method.loss(batch()), expected)
    torch.testing.assert_close(method.loss(batch(), num_items=8), expected / 2)


def test_label_smoothing_is_that_of_torch() -> None:
    model = bert(dropout=0.0)
    inputs = {key: value for key, value in batch().items() if key != "labels"}
    expected = F.cross_entropy(model(**inputs).logits, batch()["labels"], label_smoothing=0.2)
    torch.testing.assert_close(attached("plain", model, label_smoothing=0.2).loss(batch()), expected)
