"""Attacks refuse a model or labels on which they would measure nothing."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from conftest import tokenizer
from support.small_models import batch, bert
from uegr.errors import UsageError
from uegr.evaluation import attacks

REGRESSION = {"labels": 1}
MULTI_LABEL = {"problem_type": "multi_label_classification"}


@pytest.mark.parametrize(
    ("options", "message"), [(REGRESSION, "not a model with one output"), (MULTI_LABEL, "not a model for multi label")]
)
def test_a_model_that_is_no_classifier_is_refused(options: dict[str, Any], message: str) -> None:
    model = bert(**options)
    with pytest.raises(UsageError, match=message):
        attacks.PGD()(model, {**batch(), "labels": torch.zeros(4, dtype=torch.long)}, epsilons=[0.1])
    with pytest.raises(UsageError, match=message):
        attacks.DeepWordBug()(model, tokenizer(), ["a good film"], [0])
    with pytest.raises(UsageError, match=message):
        attacks.PGD()(nn.DataParallel(model), {**batch(), "labels": torch.zeros(4, dtype=torch.long)}, epsilons=[0.1])


@pytest.mark.parametrize("label", [5, -1, 0.7, "good", None])
def test_labels_that_are_no_classes_are_refused(label: Any) -> None:
    with pytest.raises(UsageError, match="is not a class of this model: give whole numbers from 0 to 1"):
        attacks.DeepWordBug()(bert(), tokenizer(), ["a good film"], [label])


def test_labels_may_come_as_a_tensor() -> None:
    result = attacks.DeepWordBug()(bert(), tokenizer(), ["a good film"], torch.tensor([1]))  # type: ignore[arg-type]
    assert result.outcomes[0].label == 1


def test_a_class_of_embeddings_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="5 is not a class"):
        attacks.PGD()(bert(), {**batch(), "labels": torch.tensor([0, 1, 5, 0])}, epsilons=[0.1])


def test_no_synonyms_are_refused() -> None:
    with pytest.raises(UsageError, match="most must be at least 1, not 0"):
        attacks.SynonymSwap(most=0)
