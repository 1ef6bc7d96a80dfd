"""Parts of a model: how long its inputs may be."""

from __future__ import annotations

import pytest
from torch import nn
from transformers import (
    BartConfig,
    BartForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from conftest import Linear, bert
from uegr.modeling.model_parts import longest_input

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
