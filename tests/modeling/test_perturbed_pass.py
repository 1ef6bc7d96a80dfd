"""A perturbation is added to the embeddings of one pass, and the model stays as it was."""

from __future__ import annotations

import pytest
import torch

from support.small_models import Linear, batch, hook_count, logits_of
from uegr.errors import UsageError
from uegr.modeling.perturbed_pass import perturbed
from uegr.modeling.real_tokens import token_mask


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
    message = r"the compiled Linear runs a graph from before the first step.*reset\(\)"
    with pytest.raises(UsageError, match=message), perturbed(model, data, delta):
        model(data["input_ids"], data["attention_mask"])
    torch.compiler.reset()
    with perturbed(model, data, delta):
        model(data["input_ids"], data["attention_mask"])
    torch.compiler.reset()
