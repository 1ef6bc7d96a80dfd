"""Norms of input gradients."""

from __future__ import annotations

import numpy as np
import pytest
from datasets import Dataset

from conftest import bert, reviews, tokenizer
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.landscape.input_gradients import input_gradient_norms


@pytest.fixture
def rows() -> Dataset:
    return Dataset.from_pandas(reviews(10, seed=2))


def test_input_gradients_are_those_of_single_examples(rows: Dataset) -> None:
    """In batches with padding or one by one: the same norms, and none of them zero."""
    evaluated = EvaluatedModel(bert(), tokenizer(), ["text"], batch_size=4)
    rows = rows.map(lambda row, i: {"text": row["text"] + " film" * i}, with_indices=True)
    together = input_gradient_norms(evaluated, rows)
    alone = [float(input_gradient_norms(evaluated, rows.select([i]))[0]) for i in range(len(rows))]
    np.testing.assert_allclose(together, alone, rtol=1e-3)
    assert (together > 0).all()
