"""R-Drop against its formula, under dropout."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from support.formulas import DATA, cross_entropy, mean_symmetric_kl
from support.small_models import bert, llama
from support.stages import stage_of, step
from uegr.errors import UsageError
from uegr.forward.model_pass import forward_pass
from uegr.forward.r_drop import RDropForward


def two_passes(model: torch.nn.Module) -> tuple[Tensor, Tensor]:
    """Two passes with the dropout seeds of one step."""
    position = step()
    first, second = (forward_pass(model, DATA, position) for _ in range(2))
    return first, second


def test_loss_equals_the_formula() -> None:
    model = bert(dropout=0.3).train()
    first, second = two_passes(model)
    assert not torch.equal(first, second)
    task_loss = (cross_entropy(first) + cross_entropy(second)) / 2
    expected = task_loss + 0.8 * mean_symmetric_kl(first, second) / 2
    torch.testing.assert_close(stage_of(RDropForward, kl_weight=0.8)(model, DATA, step()).value, expected)


def test_without_the_divergence_it_is_the_mean_loss_of_two_passes() -> None:
    model = bert(dropout=0.3).train()
    expected = torch.stack([cross_entropy(logits) for logits in two_passes(model)]).mean()
    torch.testing.assert_close(stage_of(RDropForward, kl_weight=0.0)(model, DATA, step()).value, expected)


def test_a_model_without_dropout_of_its_own_gets_the_rate_of_the_option() -> None:
    model = llama().train()
    assert stage_of(RDropForward, dropout=0.3)(model, DATA, step()).terms["divergence"] > 0


def test_impossible_options_are_refused() -> None:
    with pytest.raises(UsageError, match="kl_weight must be at least 0"):
        stage_of(RDropForward, kl_weight=-1.0)
    with pytest.raises(UsageError, match="dropout must be above 0 and below 1"):
        stage_of(RDropForward, dropout=0.0)
