"""L2-SP pulls the body back to where it started, and leaves the head alone."""

from __future__ import annotations

import torch

from support.small_models import bert
from support.training import LEARNING_RATE, train


def test_one_step_equals_the_formula() -> None:
    plain, pulled, start = train("plain", steps=1), train("l2-sp", steps=1, pull=2.0), bert(dropout=0.0)
    for name, weight in pulled.named_parameters():
        after, first = plain.get_parameter(name), start.get_parameter(name)
        expected = after - LEARNING_RATE * 2.0 * (after - first) if name.startswith("bert") else after
        torch.testing.assert_close(weight, expected)
