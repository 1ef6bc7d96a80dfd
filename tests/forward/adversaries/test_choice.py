"""Which adversary UEGR's options ask for."""

from __future__ import annotations

from typing import Any

import pytest

from uegr.forward.adversaries.adversary import Adversary
from uegr.forward.adversaries.choice import adversary_of
from uegr.forward.adversaries.embedding_adversary import EmbeddingAdversary
from uegr.forward.adversaries.mixed_adversary import MixedAdversary
from uegr.forward.adversaries.text_adversary import TextAdversary
from uegr.forward.uegr_options import UEGRForwardOptions


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, EmbeddingAdversary),
        ({"text": "characters"}, MixedAdversary),
        ({"text": "characters", "epsilon": 0.0}, TextAdversary),
        ({"epsilon": 0.0}, type(None)),
    ],
)
def test_options_decide(options: dict[str, Any], kind: type[Adversary]) -> None:
    assert type(adversary_of(UEGRForwardOptions(**options))) is kind


def test_options_reach_the_adversary() -> None:
    adversary = adversary_of(
        UEGRForwardOptions(text="characters", epsilon=0.2, norm="linf", ascent_steps=4, edit_rate=0.7, text_share=0.9)
    )
    assert isinstance(adversary, MixedAdversary)
    assert (adversary.embedding.epsilon, adversary.embedding.by_confidence) == (0.2, True)
    assert (adversary.embedding.ascent.steps, adversary.embedding.ascent.ball.norm) == (4, "linf")
    assert (adversary.text.edit_rate, adversary.text_share) == (0.7, 0.9)
