"""Token embeddings are found and perturbed through any wrapper."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from support.small_models import Linear, batch, bert, hook_count, logits_of
from uegr.errors import UsageError
from uegr.modeling.embeddings import embedding_scale, input_embeddings, perturbed, token_mask, unwrap


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


def test_delta_is_added_for_one_pass_and_leaves_no_hook() -> None:
    model, data = Linear(), batch()
    delta = torch.randn(4, 7, 6)
    with perturbed(model, data, delta):
        logits = logits_of(model, data)
    mask = token_mask(data)
    moved = ((model.embedding(data["input_ids"]) + delta) * mask).sum(1) / mask.sum(1)
    torch.testing.assert_close(logits, model.head(moved))
    assert hook_count(model) == 0


def test_a_model_that_does_not_use_its_embeddings_is_refused() -> None:
    model = Linear()
    with (
        pytest.raises(UsageError, match="does not take its token embeddings"),
        perturbed(model, batch(), torch.zeros(4, 7, 6)),
    ):
        pass


def test_a_compiled_model_that_runs_the_graph_of_another_is_told_so() -> None:
    """torch.compile keeps the graph of a class, and does not look at the hooks of its embeddings."""
    torch.compiler.reset()
    data, delta = batch(), torch.zeros(4, 7, 6)
    torch.compile(Linear(), backend="eager")(data["input_ids"], data["attention_mask"])
    model = torch.compile(Linear(), backend="eager")
    message = r"the compiled Linear runs the graph of another model.*reset\(\)"
    with pytest.raises(UsageError, match=message), perturbed(model, data, delta):
        model(data["input_ids"], data["attention_mask"])
    torch.compiler.reset()
    with perturbed(model, data, delta):
        model(data["input_ids"], data["attention_mask"])
    torch.compiler.reset()


def test_the_mask_is_one_on_real_tokens() -> None:
    data = batch()
    assert torch.equal(token_mask(data).squeeze(-1), data["attention_mask"].float())
    assert torch.equal(token_mask({"input_ids": data["input_ids"]}), torch.ones(4, 7, 1))


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


def test_choices_of_an_example_are_rows_of_tokens() -> None:
    data = {"input_ids": torch.ones(2, 3, 5, dtype=torch.long), "attention_mask": torch.ones(2, 3, 5)}
    data["attention_mask"][1, 2, 4] = 0
    mask = token_mask(data)
    assert mask.shape == (6, 5, 1)
    assert mask[5, 4] == 0 and mask.sum() == 29
