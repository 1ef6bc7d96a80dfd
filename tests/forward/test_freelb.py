"""FreeLB against its formula and its limits."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from support.formulas import (
    DATA,
    MASK,
    MODEL,
    SHAPE,
    assert_equals_formula,
    assert_is_plain,
    cross_entropy,
    first_draws,
    gradient_at,
    l2,
    logits_at,
)
from support.small_models import bert
from support.stages import stage_of, step
from uegr.errors import UsageError
from uegr.forward.freelb import FreeLBForward
from uegr.modeling.embeddings import embedding_scale


@pytest.mark.parametrize(("relative", "max_norm"), [(False, 0.25), (True, 0.25), (True, 0.0)])
def test_loss_and_gradients_equal_the_formula(relative: bool, max_norm: float) -> None:
    tokens = MASK.sum(1, keepdim=True)
    unit = embedding_scale(MODEL).norm * tokens.sqrt() if relative else torch.ones_like(tokens)
    delta = torch.empty(SHAPE).uniform_(-1, 1, generator=first_draws()) * 0.2 * unit / (tokens * 16).sqrt() * MASK
    losses = []
    for _ in range(3):
        losses.append(cross_entropy(logits_at(delta)))
        g = gradient_at(delta, cross_entropy)
        delta = delta + 0.1 * unit * g / l2(g)
        if max_norm:
            delta = delta * (max_norm * unit / l2(delta)).clamp_max(1.0)
    sizes = {"ascent_rate": 0.1, "init_magnitude": 0.2, "max_norm": max_norm}
    stage = stage_of(FreeLBForward, ascent_steps=3, relative=relative, **sizes)
    assert_equals_formula(stage, torch.stack(losses).mean())


@pytest.mark.parametrize("options", [{"ascent_steps": 1}, {"ascent_steps": 3, "ascent_rate": 0.0}])
def test_without_perturbation_it_is_plain_fine_tuning(options: dict[str, float]) -> None:
    assert_is_plain(stage_of(FreeLBForward, init_magnitude=0.0, **options))


def test_a_parameter_that_the_loss_does_not_depend_on_gets_no_gradient() -> None:
    """Its gradient stays None, as under an ordinary backward()."""
    model = bert(dropout=0.0)
    model.unused = nn.Parameter(torch.zeros(3))  # type: ignore[assignment]
    FreeLBForward()(model, DATA, step()).value.backward()
    assert model.unused.grad is None  # type: ignore[union-attr]
    assert model.classifier.weight.grad is not None


@pytest.mark.parametrize(
    ("options", "message"),
    [({"ascent_steps": 0}, "ascent_steps must be at least 1"), ({"max_norm": -1.0}, "max_norm must be at least 0")],
)
def test_impossible_options_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        stage_of(FreeLBForward, **options)
