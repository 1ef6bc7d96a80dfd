"""Perturbations from another model."""

from __future__ import annotations

import copy

import pytest
from datasets import Dataset

from support.small_models import bert
from uegr.errors import UsageError
from uegr.evaluation.attacks.transfer_attack import Transfer
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.robustness import robust_mask


def test_a_transfer_needs_a_source_that_fits(evaluated: EvaluatedModel, rows: Dataset) -> None:
    with pytest.raises(UsageError, match=r"--source \(in Python: attacks.Transfer\(source=model\)\)"):
        robust_mask(evaluated, rows, [0.1], Transfer())
    with pytest.raises(UsageError, match="the embedding width of the attacked model: name another run with --source"):
        robust_mask(evaluated, rows, [0.1], Transfer(source=bert(hidden_size=32)))


@pytest.mark.parametrize("classes", [["negative", "positive", "neutral"], ["good", "bad"]])
def test_the_source_must_have_the_same_classes_in_the_same_order(
    classes: list[str], evaluated: EvaluatedModel, rows: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the labels mean something else on it, and its perturbations help the attacked model."""
    monkeypatch.setattr(evaluated.model.config, "id2label", {0: "bad", 1: "good"})
    source = copy.deepcopy(evaluated.model)
    source.config.id2label = dict(enumerate(classes))
    with pytest.raises(UsageError, match="the classes of the attacked model in the same order"):
        robust_mask(evaluated, rows, [0.1], Transfer(source=source))
    source.config.id2label = {0: "bad", 1: "good"}
    robust_mask(evaluated, rows, [0.1], Transfer(steps=1, source=source))
