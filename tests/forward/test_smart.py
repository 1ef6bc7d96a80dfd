"""SMART against its formula, with both projections, and its limit."""

from __future__ import annotations

from typing import Any

import pytest
import torch

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
    logits_at,
    mean_symmetric_kl,
    per_token_max,
    unit_per_coordinate,
)
from support.stages import stage_of, step
from uegr.errors import UsageError
from uegr.forward.smart import SMARTForward


@pytest.mark.parametrize("projection", ["clip", "unit"])
def test_loss_and_gradients_equal_the_formula(projection: str) -> None:
    clean = logits_at(torch.zeros(SHAPE))
    delta = torch.empty(SHAPE).normal_(0, 0.01, generator=first_draws(passes=1)) * MASK
    g = gradient_at(delta, lambda logits: mean_symmetric_kl(logits, clean.detach()))
    delta = delta + 0.02 * g / per_token_max(g)
    delta = delta.clamp(-0.015, 0.015) if projection == "clip" else 0.015 * delta / per_token_max(delta)
    expected = cross_entropy(clean) + 2.0 * mean_symmetric_kl(logits_at(delta * MASK), clean)
    options = {"noise_scale": 0.01, "ascent_rate": 0.02, "epsilon": 0.015, "kl_weight": 2.0}
    assert_equals_formula(stage_of(SMARTForward, projection=projection, **options), expected)


def test_relative_sizes_are_those_of_the_model_s_embeddings() -> None:
    sizes = {"noise_scale": 0.02, "ascent_rate": 0.3, "epsilon": 0.2}
    absolute = {name: size * unit_per_coordinate() for name, size in sizes.items()}
    losses = [
        stage(MODEL, DATA, step()).value
        for stage in (stage_of(SMARTForward, relative=True, **sizes), stage_of(SMARTForward, **absolute))
    ]
    torch.testing.assert_close(*losses)
    assert not torch.isclose(losses[0], stage_of(SMARTForward, **sizes)(MODEL, DATA, step()).value)


def test_without_the_divergence_it_is_plain_fine_tuning() -> None:
    assert_is_plain(stage_of(SMARTForward, kl_weight=0.0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ascent_steps": 0}, "ascent_steps must be at least 1"),
        ({"epsilon": 0.0}, "epsilon must be above 0"),
        ({"projection": "round"}, "unknown projection"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        stage_of(SMARTForward, **options)
