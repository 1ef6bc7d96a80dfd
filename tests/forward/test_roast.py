"""RoAST's forward stage against its formula, as published and as released, and its limit."""

from __future__ import annotations

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
from uegr.forward.roast import START, RoASTForward


@pytest.mark.parametrize("adversarial_loss", [True, False])
def test_loss_and_gradients_equal_the_formula(adversarial_loss: bool) -> None:
    start = START * torch.rand(SHAPE, generator=first_draws()) * MASK
    g = gradient_at(start, cross_entropy)
    clean, adversarial = logits_at(torch.zeros(SHAPE)), logits_at(start + 0.1 * g / per_token_max(g))
    expected = 0.5 * cross_entropy(clean) + 0.3 * mean_symmetric_kl(clean, adversarial)
    if adversarial_loss:
        expected = expected + 0.5 * cross_entropy(adversarial)
    assert_equals_formula(stage_of(RoASTForward, kl_weight=0.3, adversarial_loss=adversarial_loss), expected)


def test_relative_sizes_are_those_of_the_model_s_embeddings() -> None:
    sizes = {"epsilon": 0.2}
    absolute = {name: size * unit_per_coordinate() for name, size in sizes.items()}
    losses = [
        stage(MODEL, DATA, step()).value
        for stage in (stage_of(RoASTForward, relative=True, **sizes), stage_of(RoASTForward, **absolute))
    ]
    torch.testing.assert_close(*losses)
    assert not torch.isclose(losses[0], stage_of(RoASTForward, **sizes)(MODEL, DATA, step()).value)


def test_without_a_radius_it_is_plain_fine_tuning() -> None:
    assert_is_plain(stage_of(RoASTForward, epsilon=1e-7, kl_weight=1.0, adversarial_loss=True))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"epsilon": 0.0}, "epsilon must be above 0"), ({"kl_weight": -1.0}, "kl_weight must be at least 0")],
)
def test_impossible_options_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        stage_of(RoASTForward, **options)
