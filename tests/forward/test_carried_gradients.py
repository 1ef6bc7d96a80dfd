"""A loss that delivers gradients computed earlier."""

from __future__ import annotations

import pytest
import torch

from uegr.errors import UsageError
from uegr.forward.carried_gradients import carry


def test_gradients_are_delivered_with_the_factor_of_the_loop() -> None:
    used, unused = (torch.nn.Parameter(torch.ones(3)) for _ in range(2))
    loss = carry(torch.tensor(2.0), [used, unused], [torch.tensor([8.0, 16.0, 24.0]), None], torch.tensor(8.0))
    assert loss.item() == 2.0
    (loss / 4).backward()
    assert used.grad is not None and torch.equal(used.grad, torch.tensor([0.25, 0.5, 0.75]))
    assert unused.grad is None


def test_a_second_backward_pass_is_refused() -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    loss = carry(torch.tensor(2.0), [weight], [torch.ones(3)], torch.tensor(1.0))
    loss.backward(retain_graph=True)
    with pytest.raises(UsageError, match="twice on one loss"):
        loss.backward()
