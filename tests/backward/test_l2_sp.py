"""L2-SP pulls the body back to where it started, and leaves the head alone."""

from __future__ import annotations

import torch

from support.small_models import batch, bert
from support.training import LEARNING_RATE, train
from uegr import L2SPConfig


def test_one_step_equals_the_formula() -> None:
    plain, pulled, start = train("plain", steps=1), train("l2-sp", steps=1, pull=2.0), bert(dropout=0.0)
    for name, weight in pulled.named_parameters():
        after, first = plain.get_parameter(name), start.get_parameter(name)
        expected = after - LEARNING_RATE * 2.0 * (after - first) if name.startswith("bert") else after
        torch.testing.assert_close(weight, expected)


def test_weights_that_are_frozen_in_the_training_stay() -> None:
    model = bert()
    method = L2SPConfig().attach(model=model.train(), optimizer=torch.optim.AdamW(model.parameters(), lr=0.1))
    for frozen in (False, True):
        layer = model.bert.embeddings.requires_grad_(not frozen)
        before = [weight.detach().clone() for weight in layer.parameters()]
        method.loss(batch()).backward()
        method.optimizer.step()
        method.optimizer.zero_grad()
        stay = [torch.equal(*pair) for pair in zip(before, layer.parameters(), strict=True)]
        assert all(stay) if frozen else not any(stay)
