"""R3F against its formula, with both kinds of noise, and its limit."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from support.formulas import (
    MASK,
    SHAPE,
    assert_equals_formula,
    assert_is_plain,
    cross_entropy,
    first_draws,
    logits_at,
    mean_symmetric_kl,
)
from support.stages import stage_of
from uegr.errors import UsageError
from uegr.forward.r3f import R3FForward


@pytest.mark.parametrize("noise", ["uniform", "normal"])
def test_loss_and_gradients_equal_the_formula(noise: str) -> None:
    clean, generator, z = logits_at(torch.zeros(SHAPE)), first_draws(passes=1), torch.empty(SHAPE)
    z = z.uniform_(-0.1, 0.1, generator=generator) if noise == "uniform" else z.normal_(0, 0.1, generator=generator)
    expected = cross_entropy(clean) + 0.7 * mean_symmetric_kl(clean, logits_at(z * MASK))
    assert_equals_formula(stage_of(R3FForward, noise=noise, noise_scale=0.1, kl_weight=0.7), expected)


def test_without_noise_it_is_plain_fine_tuning() -> None:
    assert_is_plain(stage_of(R3FForward, noise_scale=0.0))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"noise": "pink"}, "unknown noise"), ({"kl_weight": -1.0}, "kl_weight must be at least 0")],
)
def test_impossible_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        stage_of(R3FForward, **options)
