"""Head, layers and positions of a model."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import (
    BartConfig,
    BartForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from support.small_models import Linear, bert
from uegr.modeling.model_parts import head_parameters, layer_of, longest_input

SIZES = {"vocab_size": 99, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
BART = BartConfig(
    vocab_size=99,
    d_model=8,
    encoder_layers=1,
    decoder_layers=1,
    encoder_attention_heads=2,
    decoder_attention_heads=2,
    max_position_embeddings=64,
)


def test_the_head_is_what_lies_outside_the_pretrained_body() -> None:
    model = bert()
    expected = {id(parameter) for parameter in model.classifier.parameters()}
    assert {id(parameter) for parameter in head_parameters(model)} == expected
    assert head_parameters(nn.Linear(2, 2)) == []


class TwoTowers(nn.Module):
    """A module of the user's own: one or two encoders, one of them deeper inside, and a new layer."""

    def __init__(self, *towers: nn.Module) -> None:
        super().__init__()
        self.encoder, self.towers = towers[0], nn.ModuleDict({str(i): tower for i, tower in enumerate(towers)})
        self.head = nn.Linear(16, 2)


def test_the_head_of_a_module_is_what_lies_outside_the_models_in_it() -> None:
    encoder, classifier = bert().bert, bert()
    for model, head in (
        (TwoTowers(encoder), []),
        (TwoTowers(encoder, bert().bert), []),
        (TwoTowers(torch.compile(classifier)), [*classifier.classifier.parameters()]),  # type: ignore[list-item]
    ):
        expected = {id(parameter) for parameter in [*head, *model.head.parameters()]}
        assert {id(parameter) for parameter in head_parameters(model)} == expected


@pytest.mark.parametrize(
    ("parameter", "layer"),
    [
        ("bert.encoder.layer.3.attention.self.query.weight", "bert.encoder.layer.3"),
        ("bert.embeddings.word_embeddings.weight", "bert.embeddings"),
        ("shared.weight", "shared"),
        ("weight", ""),
    ],
)
def test_layers_follow_from_names(parameter: str, layer: str) -> None:
    assert layer_of(parameter) == layer


@pytest.mark.parametrize(
    ("model", "longest"),
    [
        (bert(), 40),
        (RobertaForSequenceClassification(RobertaConfig(**SIZES, max_position_embeddings=66, pad_token_id=1)), 64),
        (BartForSequenceClassification(BART), 64),
        (LlamaForCausalLM(LlamaConfig(**SIZES, max_position_embeddings=64)), None),
        (Linear(), None),
    ],
)
def test_the_longest_input_is_that_of_the_position_table(model: nn.Module, longest: int | None) -> None:
    assert longest_input(model) == longest
