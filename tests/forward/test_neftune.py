"""NEFTune against its formula and its limit."""

from __future__ import annotations

import pytest
import torch

from support.formulas import MASK, SHAPE, assert_equals_formula, assert_is_plain, cross_entropy, first_draws, logits_at
from support.stages import stage_of
from uegr.errors import UsageError
from uegr.forward.neftune import NEFTuneForward


def test_loss_and_gradients_equal_the_formula() -> None:
    noise = torch.empty(SHAPE).uniform_(-1, 1, generator=first_draws()) * MASK
    expected = cross_entropy(logits_at(5.0 / (MASK.sum(1, keepdim=True) * 16).sqrt() * noise))
    assert_equals_formula(stage_of(NEFTuneForward, noise_alpha=5.0), expected)


def test_without_noise_it_is_plain_fine_tuning() -> None:
    assert_is_plain(stage_of(NEFTuneForward, noise_alpha=0.0))


def test_negative_noise_is_refused() -> None:
    with pytest.raises(UsageError, match="noise_alpha must be at least 0"):
        stage_of(NEFTuneForward, noise_alpha=-1.0)
