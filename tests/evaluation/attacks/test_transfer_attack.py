"""Perturbations from another model."""

from __future__ import annotations

import pytest
from datasets import Dataset

from support.small_models import bert
from uegr.errors import UsageError
from uegr.evaluation.attacks.transfer_attack import Transfer
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.robustness import robust_mask


def test_a_transfer_needs_a_source_that_fits(evaluated: EvaluatedModel, rows: Dataset) -> None:
    with pytest.raises(UsageError, match="--source"):
        robust_mask(evaluated, rows, [0.1], Transfer())
    with pytest.raises(UsageError, match="the embedding width of the attacked model: name another run with --source"):
        robust_mask(evaluated, rows, [0.1], Transfer(source=bert(hidden_size=32)))
