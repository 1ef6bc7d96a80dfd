from __future__ import annotations

import numpy as np
import pytest
from datasets import Dataset

from conftest import bert, reviews, tokenizer
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.regression import curve, predictions
from uegr.evaluation.worst_case import worst_outputs


@pytest.fixture
def subject() -> EvaluatedModel:
    return EvaluatedModel(bert(labels=1, problem_type="regression"), tokenizer(), ["text"], kind="regression")


@pytest.fixture
def rows() -> Dataset:
    return Dataset.from_pandas(reviews(12).assign(label=np.linspace(0.0, 5.0, 12)))


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_the_worst_error_grows_with_epsilon_and_starts_at_the_clean_one(
    norm: str, subject: EvaluatedModel, rows: Dataset
) -> None:
    def error(logits, batch):  # type: ignore[no-untyped-def]
        return (logits.squeeze(-1) - batch["labels"].float()).square()

    attack = PGD(norm=norm, steps=3)  # type: ignore[arg-type]
    errors = worst_outputs(subject, rows, [0.0, 0.05, 0.5], attack, error, error)
    predicted, labels = predictions(subject, rows)
    assert errors[0] == pytest.approx(np.square(predicted - labels), rel=1e-4)
    assert (np.diff(errors, axis=0) >= 0).all()
    assert (errors[2] > errors[0] + 0.01).all()


def test_curve_starts_at_the_clean_correlation(subject: EvaluatedModel, rows: Dataset) -> None:
    part = curve(subject, rows, [0.3, 0.0], PGD(steps=2))
    predicted, labels = predictions(subject, rows)
    assert part["epsilons"] == [0.0, 0.3]
    assert part["pearson"][0] == pytest.approx(np.corrcoef(predicted, labels)[0, 1], abs=1e-5)
    assert part["pearson"][1] != part["pearson"][0]
