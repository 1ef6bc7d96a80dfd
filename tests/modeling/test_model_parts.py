"""Head, layers and positions of a model."""

from __future__ import annotations

import pytest
from torch import nn
from transformers import RobertaConfig, RobertaModel

from support.small_models import bert
from uegr.modeling.model_parts import head_parameters, layer_of, longest_input


def test_the_head_is_what_lies_outside_the_pretrained_body() -> None:
    model = bert()
    expected = {id(parameter) for parameter in model.classifier.parameters()}
    assert {id(parameter) for parameter in head_parameters(model)} == expected
    assert head_parameters(nn.Linear(2, 2)) == []


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


def test_the_longest_input_is_that_of_the_position_table() -> None:
    assert longest_input(bert()) == 40
    assert longest_input(nn.Linear(2, 2)) is None
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    roberta = RobertaModel(RobertaConfig(vocab_size=9, max_position_embeddings=20, pad_token_id=1, **sizes))
    assert longest_input(roberta) == 18, "its positions begin after the padding row"
