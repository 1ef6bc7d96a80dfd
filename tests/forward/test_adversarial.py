"""FGM and PGD against their formulas."""

from __future__ import annotations

import pytest
import torch

from support.formulas import SHAPE, assert_equals_formula, assert_is_plain, cross_entropy, gradient_at, l2, logits_at
from support.small_models import batch, bert
from support.stages import stage_of, step
from uegr.errors import UsageError
from uegr.forward.adversarial import AdversarialForward


def test_fgm_equals_its_formula() -> None:
    g = gradient_at(torch.zeros(SHAPE), cross_entropy)
    adversarial, clean = logits_at(0.3 * g / l2(g)), logits_at(torch.zeros(SHAPE))
    stage = stage_of(AdversarialForward, epsilon=0.3, relative=False, clean_weight=0.5)
    assert_equals_formula(stage, cross_entropy(adversarial) + 0.5 * cross_entropy(clean))


def test_pgd_equals_its_formula() -> None:
    delta = torch.zeros(SHAPE)
    for _ in range(3):
        g = gradient_at(delta, cross_entropy)
        delta = delta + 0.2 * g / l2(g)
        delta = delta * (0.3 / l2(delta)).clamp_max(1.0)
    stage = stage_of(AdversarialForward, epsilon=0.3, relative=False, ascent_steps=3, step_size=2 / 3, clean_weight=0.0)
    assert_equals_formula(stage, cross_entropy(logits_at(delta)))


def test_without_a_radius_it_is_plain_fine_tuning() -> None:
    assert_is_plain(stage_of(AdversarialForward, epsilon=1e-7, clean_weight=0.0))


def test_a_random_start_changes_the_sample_and_keeps_the_clean_term() -> None:
    model, data = bert(dropout=0.0), batch()
    options = {"ascent_steps": 2, "epsilon": 0.3}
    from_centre = stage_of(AdversarialForward, **options)(model, data, step()).terms
    random_start = stage_of(AdversarialForward, random_start=True, **options)(model, data, step()).terms
    torch.testing.assert_close(random_start["clean_loss"], from_centre["clean_loss"])
    assert random_start["adversarial_loss"] != from_centre["adversarial_loss"]


@pytest.mark.parametrize(
    ("options", "units"),
    [({}, 7), ({"clean_weight": 0.0}, 5), ({"random_start": True}, 8), ({"ascent_steps": 3, "clean_weight": 0.0}, 9)],
)
def test_cost(options: dict[str, float], units: float) -> None:
    assert stage_of(AdversarialForward, **options).cost() == units


@pytest.mark.parametrize(
    ("options", "message"),
    [({"epsilon": 0.0}, "epsilon must be above 0"), ({"clean_weight": -1.0}, "clean_weight must be at least 0")],
)
def test_impossible_options_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        stage_of(AdversarialForward, **options)
