"""A batch divided between an attack on the embeddings and one on the text."""

from __future__ import annotations

import pytest
import torch

from support.edited_text import SWAPS, TEXTS, encode, set_candidates, words_of
from support.small_models import bert
from support.stages import stage_of, step
from uegr.forward.adversaries.mixed_adversary import MixedAdversary
from uegr.forward.clean_pass import clean_gradient
from uegr.forward.uegr import UEGRForward


@pytest.mark.parametrize("pads_left", [False, True])
@pytest.mark.parametrize("replacement", ["film plot", "film"])
def test_a_row_gets_edited_text_or_a_delta_on_its_real_tokens(pads_left: bool, replacement: str) -> None:
    encoder, batch = encode(pads_left=pads_left)
    stage = stage_of(UEGRForward, text="characters", text_share=0.5, edit_rate=1.0, by_confidence=False)
    stage.bind(encoder)
    assert isinstance(stage.adversary, MixedAdversary)
    set_candidates(stage.adversary.text, {word: [replacement] for word in SWAPS})
    model = bert(dropout=0.0)
    stage.attach(model)
    clean = clean_gradient(model, batch, step(), None, keep_graph=False)
    attacked = stage.adversary.attack(model, batch, step(5), clean=clean)
    assert attacked.delta is not None
    assert attacked.delta.shape[:2] == attacked.batch["input_ids"].shape
    pairs = zip(words_of(encoder, attacked.batch), TEXTS, strict=True)
    is_edited = [words != text.split() for words, text in pairs]
    assert any(is_edited) and not all(is_edited)
    for i, edited in enumerate(is_edited):
        is_perturbed = attacked.delta[i].abs().sum(-1) > 0
        expected = torch.zeros_like(is_perturbed) if edited else attacked.batch["attention_mask"][i].bool()
        assert torch.equal(is_perturbed, expected)
