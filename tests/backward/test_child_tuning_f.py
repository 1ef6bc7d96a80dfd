"""Child-Tuning F masks the gradient at random and divides it by p."""

from __future__ import annotations

import torch

from support.small_models import bert
from support.training import train


def test_selected_elements_move_by_the_plain_step_over_p() -> None:
    start, plain, child = bert(dropout=0.0), train("plain", steps=1), train("child-tuning-f", steps=1, reserve=0.25)
    flat = [torch.cat([weight.detach().flatten() for weight in model.parameters()]) for model in (start, plain, child)]
    plain_step, child_step = flat[1] - flat[0], flat[2] - flat[0]
    is_selected = child_step != 0
    torch.testing.assert_close(child_step[is_selected], 4.0 * plain_step[is_selected], atol=1e-6, rtol=1e-3)
    assert 0.2 < is_selected[plain_step.abs() > 1e-6].float().mean() < 0.3
