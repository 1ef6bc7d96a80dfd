"""Token embeddings are found through any wrapper."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import GemmaConfig, GemmaForSequenceClassification

from support.small_models import Linear, bert
from uegr.errors import UsageError
from uegr.modeling.embeddings import embedding_scale, input_embeddings
from uegr.modeling.model_wrappers import unwrap


def test_wrappers_are_seen_through() -> None:
    model = bert()
    compiled = torch.compile(model)
    assert unwrap(compiled) is model
    assert input_embeddings(compiled) is model.get_input_embeddings()


def test_a_model_that_does_not_name_its_embeddings_is_refused_with_the_fix() -> None:
    class NoEmbeddings(nn.Module):
        pass

    with pytest.raises(UsageError, match="get_input_embeddings"):
        input_embeddings(NoEmbeddings())


def test_the_padding_row_does_not_count_in_the_embedding_norm() -> None:
    model = Linear()
    expected = model.embedding.weight[1:].detach().norm(dim=-1).mean()
    assert embedding_scale(model).norm == pytest.approx(float(expected))
    assert embedding_scale(model).width == 6


def test_the_norm_is_that_of_the_embeddings_to_which_a_perturbation_is_added() -> None:
    """Gemma's layer multiplies the rows of its weight by sqrt(d)."""
    sizes = {"vocab_size": 20, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "head_dim": 8}
    model = GemmaForSequenceClassification(
        GemmaConfig(**sizes, num_attention_heads=2, num_key_value_heads=2, pad_token_id=0)
    )
    output = model.get_input_embeddings()(torch.arange(1, 20)).detach()
    assert embedding_scale(model).norm == pytest.approx(float(output.norm(dim=-1).mean()), rel=1e-5)


class Wrapper(nn.Module):
    """A user's module around Hugging Face models, without get_input_embeddings()."""

    def __init__(self, *models: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList(models)

    def forward(self, **inputs: Tensor) -> Any:
        return self.parts[0](**inputs)


def test_the_embeddings_of_the_one_model_inside_are_taken() -> None:
    model = bert()
    assert input_embeddings(Wrapper(model)) is model.get_input_embeddings()
    assert input_embeddings(Wrapper(Wrapper(model), nn.Linear(2, 2))) is model.get_input_embeddings()
    with pytest.raises(UsageError, match="Wrapper has several parts with token embeddings"):
        input_embeddings(Wrapper(bert(), bert()))
    with pytest.raises(UsageError, match="does not say where its token embeddings are"):
        input_embeddings(Wrapper(nn.Linear(2, 2)))
