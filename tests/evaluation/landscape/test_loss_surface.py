"""Gradient and Hessian of the loss, of closed forms and of a transformer."""

from __future__ import annotations

import pytest
import torch
from datasets import Dataset

from conftest import bert, reviews, tokenizer
from support.quadratic_loss import Quadratic
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.landscape.loss_surface import surface_of


def test_derivatives_of_a_quadratic() -> None:
    quadratic = Quadratic()
    w, hessian = quadratic.weights, quadratic.hessian
    assert quadratic.loss() == pytest.approx(float(0.5 * w @ hessian @ w), rel=1e-4)
    torch.testing.assert_close(quadratic.gradient(), hessian @ w, rtol=1e-4, atol=1e-5)
    v = torch.randn(30, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(quadratic.hessian_times(v), hessian @ v, rtol=1e-4, atol=1e-5)


@pytest.fixture
def rows() -> Dataset:
    return Dataset.from_pandas(reviews(10, seed=2))


def test_a_transformer_has_second_derivatives_and_keeps_its_state(rows: Dataset) -> None:
    """The product with the Hessian agrees with finite differences of the gradient."""
    evaluated = EvaluatedModel(bert(), tokenizer(), ["text"], batch_size=4)
    before = {key: value.clone() for key, value in evaluated.model.state_dict().items()}
    with surface_of(evaluated, rows) as surface:
        v = torch.randn(surface.weights.shape, generator=torch.Generator().manual_seed(0))
        v /= v.norm()
        exact, h = surface.hessian_times(v), 1e-2
        with surface.moved(h * v):
            ahead = surface.gradient()
        with surface.moved(-h * v):
            behind = surface.gradient()
        difference = (ahead - behind) / (2 * h)
        assert float((exact - difference).norm() / exact.norm()) < 0.05
    assert all(torch.equal(before[key], value) for key, value in evaluated.model.state_dict().items())
    assert all(parameter.requires_grad for parameter in evaluated.model.parameters())
