"""Squared error, variance and confidence of a number per example."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given

from uegr.modeling.task_kinds.regression import Regression


def test_the_loss_is_the_squared_error() -> None:
    outputs, targets = torch.randn(6, 1), torch.randn(6)
    task = Regression(targets[:, None], batch_size=6)
    torch.testing.assert_close(task.mean(task.loss(outputs)), F.mse_loss(outputs.squeeze(-1), targets))


def test_the_divergence_is_the_variance() -> None:
    outputs = torch.randn(5, 6, 1)
    task = Regression(torch.zeros(6, 1), batch_size=6)
    divergence = task.divergence_per_pass(list(outputs)).mean(dim=0)
    torch.testing.assert_close(divergence, outputs.var(dim=0, correction=0).squeeze(-1))
    torch.testing.assert_close(
        task.symmetric_kl(outputs[0], outputs[1]), (outputs[0] - outputs[1]).square().squeeze(-1)
    )


def test_label_counts_are_number_sum_and_sum_of_squares() -> None:
    assert Regression(torch.tensor([[1.0], [3.0]]), batch_size=2).label_counts(1).tolist() == [2, 4, 10]
    assert Regression(torch.tensor([[1.0, 0.0], [3.0, 5.0]]), batch_size=2).label_counts(2).tolist() == [
        2,
        4,
        5,
        10,
        25,
    ]


@given(st.floats(-50, 50), st.floats(0.1, 50))
def test_a_model_that_predicts_the_mean_of_the_numbers_has_confidence_zero(centre: float, spread: float) -> None:
    """A model that predicts the number itself has confidence 1, whatever its unit. No number is the mean here, for
    which the two could not be told apart."""
    labels = (centre + spread * torch.tensor([-2.1, -1.0, -0.7, -0.4, 0.3, 0.8, 1.2, 1.6]))[:, None]
    task = Regression(labels, batch_size=8)
    counts = task.label_counts(1)
    shares = counts[1:] / counts[0]
    constant = shares[0].expand(8, 1)
    torch.testing.assert_close(task.confidence(constant, shares), torch.zeros(8), atol=1e-3, rtol=0.0)
    assert task.confidence(labels, shares).tolist() == [1.0] * 8
    assert bool((task.confidence(labels + 0.3 * (shares[0] - labels), shares) > 0).all())
    assert task.confidence(constant).tolist() == [0.0] * 8, "before any number was seen"


def test_outputs_of_any_unit_count_alike_in_the_confidence() -> None:
    """Three outputs that repeat one, in units and from zero points of their own, have its confidences."""
    labels, outputs = 3.0 + torch.randn(2, 8, 1, generator=torch.Generator().manual_seed(0))
    confidences = []
    for units, zeros in (
        (torch.ones(1), torch.zeros(1)),
        (torch.tensor([1.0, 5.0, 0.1]), torch.tensor([0.0, 2.0, 1.0])),
    ):
        task = Regression(zeros + units * labels, batch_size=8)
        counts = task.label_counts(len(units))
        confidences.append(task.confidence(zeros + units * outputs, counts[1:] / counts[0]))
    assert 0.0 < float(confidences[0].mean()) < 1.0
    torch.testing.assert_close(confidences[1], confidences[0], atol=1e-3, rtol=1e-3)


def test_confidence_is_measured_in_the_variance_of_the_labels() -> None:
    """Labels with mean 2 and variance 4; the label is 0 and the prediction 1."""
    task = Regression(torch.tensor([[0.0]]), batch_size=1)
    chance = math.exp(-(2.0**2) / 8)
    expected = (math.exp(-(1.0**2) / 8) - chance) / (1 - chance)
    assert float(task.confidence(torch.tensor([[1.0]]), torch.tensor([2.0, 8.0]))) == pytest.approx(expected)
