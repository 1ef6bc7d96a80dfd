"""`uegr.check` says what the stages will find in a model."""

from __future__ import annotations

import torch
from torch import nn

import uegr
from support.small_models import Linear, bert, recompute_activations


def test_a_bert_is_fine_and_described_in_numbers() -> None:
    model = bert()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    result = uegr.check(model)
    assert result.fine
    text = str(result)
    assert "width 16" in text
    assert "8 dropout modules" in text
    assert "34 weights outside" in text
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_what_a_stage_refuses_is_reported_with_the_same_sentence() -> None:
    class Bare(nn.Module):
        pass

    parts = {part.part: part for part in uegr.check(Bare()).parts}
    assert not parts["embeddings"].fine
    assert "get_input_embeddings" in str(uegr.check(Bare()))
    assert ".;" not in str(uegr.check(Bare()))
    assert not parts["weights"].fine
    assert {part.part: part.fine for part in uegr.check(Linear()).parts} == {
        "embeddings": True,
        "dropout": False,
        "head": True,
        "weights": True,
        "gradient checkpointing": True,
    }


def test_gradient_checkpointing_is_reported() -> None:
    model = bert()
    recompute_activations(model)
    assert "gradient checkpointing: on" in str(uegr.check(model))
    recompute_activations(model, use_reentrant=True)
    assert not uegr.check(model).fine
