"""A model may return an object or a dict, in training and in evaluations alike."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from datasets import Dataset
from torch import Tensor, nn

from support.reviews import tokenizer
from support.small_models import Linear, batch, bert
from uegr import PGDConfig, UsageError, attacks
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.landscape.loss_surface import surface_of
from uegr.modeling.output_logits import logits_in


class Returning(Linear):
    """A model whose forward returns its logits in the given form."""

    def __init__(self, form: Any) -> None:
        super().__init__()
        self.form = form

    def forward(self, **inputs: Any) -> Any:
        return self.form(super().forward(**inputs).logits)


def test_a_model_that_returns_a_dict_is_trained_and_attacked() -> None:
    model = Returning(lambda logits: {"logits": logits})
    method = PGDConfig().attach(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    method.loss(batch()).backward()
    expected = attacks.PGD()(Linear(), batch(), [0.0, 0.5])
    assert attacks.PGD()(model, batch(), [0.0, 0.5]).accuracy == expected.accuracy


class NeedsLabels(Linear):
    """A model that cannot be called without labels."""

    def forward(self, input_ids: Tensor, labels: Tensor, attention_mask: Tensor) -> Any:
        return super().forward(input_ids, attention_mask)


def test_a_model_that_needs_labels_is_attacked_where_there_are_labels() -> None:
    """As it is trained. Its logits on texts without labels cannot be computed."""
    accuracy = attacks.PGD()(NeedsLabels(), batch(), [0.0, 0.5]).accuracy
    assert accuracy == attacks.PGD()(Linear(), batch(), [0.0, 0.5]).accuracy
    with pytest.raises(UsageError, match="NeedsLabels cannot read texts without labels: write labels=None"):
        attacks.DeepWordBug()(NeedsLabels(), tokenizer(), ["good film"], [1])


def test_the_surface_of_the_loss_reads_a_model_that_needs_labels() -> None:
    rows = Dataset.from_dict({"text": ["good film", "bad"], "label": [1, 0]})
    losses = []
    for model in (Linear(), NeedsLabels()):
        with surface_of(EvaluatedModel(model, tokenizer()), rows) as surface:
            losses.append(surface.loss())
    assert losses[0] == losses[1]


def test_a_model_that_returns_a_tuple_is_told_what_to_return() -> None:
    model = Returning(lambda logits: (logits,))
    with pytest.raises(UsageError, match="Returning returns no .logits"):
        attacks.PGD()(model, batch(), [0.5])


def test_logits_without_a_row_per_example_are_refused() -> None:
    model = Returning(lambda logits: {"logits": logits[:, 0]})
    method = PGDConfig().attach(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    with pytest.raises(UsageError, match=r"Returning returns logits of shape \(\d+,\): return \(batch, classes\)"):
        method.loss({**batch(), "labels": torch.rand(len(batch()["labels"]))})
    with pytest.raises(UsageError, match="for one number per text"):
        attacks.PGD()(model, batch(), [0.5])


@pytest.mark.parametrize("output", [None, {"logits": None}, {"scores": torch.ones(1)}, torch.ones(1)])
def test_an_output_without_logits_is_refused(output: Any) -> None:
    with pytest.raises(UsageError, match="Identity returns no .logits"):
        logits_in(output, nn.Identity())


def test_a_model_that_is_told_to_return_tuples_is_told_how_to_change_it() -> None:
    with pytest.raises(UsageError, match=r"set model\.config\.return_dict = True"):
        attacks.PGD()(bert(return_dict=False), batch(), [0.5])
