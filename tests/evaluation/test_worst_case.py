"""The robustness curve of tasks without classes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from datasets import Dataset

from conftest import bert, reviews, tokenizer
from uegr.errors import UsageError
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.worst_case import worst_case_curve, worst_outputs


@pytest.fixture
def evaluated() -> EvaluatedModel:
    return EvaluatedModel(bert(labels=1, problem_type="regression"), tokenizer(), ["text"], kind="regression")


@pytest.fixture
def rows() -> Dataset:
    return Dataset.from_pandas(reviews(12).assign(label=np.linspace(0.0, 5.0, 12)))


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_the_worst_error_grows_with_epsilon_and_starts_at_the_clean_one(
    norm: str, evaluated: EvaluatedModel, rows: Dataset
) -> None:
    attack = PGD(norm=norm, steps=3)  # type: ignore[arg-type]
    predicted, labels = evaluated.outputs(rows)
    worst = worst_outputs(evaluated, rows, [0.0, 0.05, 0.5], attack)
    errors = np.square(worst - labels)
    assert worst[0] == pytest.approx(predicted, rel=1e-4)
    assert (np.diff(errors, axis=0) >= 0).all()
    assert (errors[2] > errors[0] + 0.01).all()


def test_an_evaluation_without_gradients_may_attack(evaluated: EvaluatedModel, rows: Dataset) -> None:
    expected = worst_outputs(evaluated, rows, [0.5], PGD(steps=3))
    with torch.no_grad():
        assert (worst_outputs(evaluated, rows, [0.5], PGD(steps=3)) == expected).all()


def test_epsilon_0_alone_needs_no_table_of_tokens(
    evaluated: EvaluatedModel, rows: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    predicted = evaluated.outputs(rows)[0]
    monkeypatch.setattr(type(evaluated.model), "get_input_embeddings", lambda model: None)
    monkeypatch.setattr(type(evaluated.model.base_model), "get_input_embeddings", lambda model: None)
    assert worst_outputs(evaluated, rows, [0.0], PGD())[0] == pytest.approx(predicted, rel=1e-4)
    with pytest.raises(UsageError, match="evaluate with epsilons 0"):
        worst_outputs(evaluated, rows, [0.0, 0.1], PGD())


def test_curve_starts_at_the_clean_correlation(evaluated: EvaluatedModel, rows: Dataset) -> None:
    part = worst_case_curve(evaluated, rows, [0.3, 0.0], PGD(steps=2))
    predicted, labels = evaluated.outputs(rows)
    assert part["epsilons"] == [0.0, 0.3]
    assert part["pearson"][0] == pytest.approx(np.corrcoef(predicted, labels)[0, 1], abs=1e-5)
    assert part["pearson"][1] != part["pearson"][0]
