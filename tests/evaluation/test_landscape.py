from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from datasets import Dataset
from torch import Tensor, nn

from conftest import bert, reviews, tokenizer
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.landscape.curvature import largest_eigenvalues, sharpness, trace
from uegr.evaluation.landscape.input_gradients import input_gradient_norms
from uegr.evaluation.landscape.loss_surface import Surface, surface_of
from uegr.evaluation.landscape.slices import filter_normalised_direction, slice_1d, slice_2d

EIGENVALUES = [7.0, 4.0, 1.0, 0.5, -2.0] + [0.1] * 25


@pytest.fixture
def quadratic() -> Surface:
    """loss = 1/2 w'Hw, H with known eigenvalues in a random basis, as two summands over two parameters."""
    generator = torch.Generator().manual_seed(0)
    basis, _ = torch.linalg.qr(torch.randn(30, 30, generator=generator))
    hessian = basis @ torch.diag(torch.tensor(EIGENVALUES)) @ basis.T
    weights = [nn.Parameter(torch.randn(4, 5, generator=generator)), nn.Parameter(torch.randn(10, generator=generator))]

    def losses() -> Iterator[Tensor]:
        for share in (0.25, 0.75):
            w = torch.cat([one.flatten() for one in weights])
            yield share * 0.5 * w @ hessian @ w

    surface = Surface(weights, losses)
    surface.hessian = hessian  # type: ignore[attr-defined]
    return surface


def test_derivatives_of_a_quadratic(quadratic: Surface) -> None:
    w, hessian = quadratic.weights, quadratic.hessian  # type: ignore[attr-defined]
    assert quadratic.loss() == pytest.approx(float(0.5 * w @ hessian @ w), rel=1e-4)
    torch.testing.assert_close(quadratic.gradient(), hessian @ w, rtol=1e-4, atol=1e-5)
    v = torch.randn(30, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(quadratic.hessian_times(v), hessian @ v, rtol=1e-4, atol=1e-5)


def test_largest_eigenvalues_are_the_known_ones_and_the_negative_one_is_not_among_them(quadratic: Surface) -> None:
    assert largest_eigenvalues(quadratic, 3, tolerance=1e-4) == pytest.approx([7.0, 4.0, 1.0], rel=1e-2)


def test_trace_is_the_sum_of_the_eigenvalues(quadratic: Surface) -> None:
    estimate = trace(quadratic, probes=400)
    assert abs(estimate["mean"] - sum(EIGENVALUES)) < 4 * estimate["standard_error"] < 3.0


def test_sharpness_of_a_quadratic(quadratic: Surface) -> None:
    """A step rho up the gradient adds rho |g| + rho^2/2 n'Hn."""
    w, hessian = quadratic.weights, quadratic.hessian  # type: ignore[attr-defined]
    g = hessian @ w
    n = g / g.norm()
    expected = [rho * float(g.norm()) + 0.5 * rho**2 * float(n @ hessian @ n) for rho in (0.05, 0.5)]
    assert sharpness(quadratic, [0.05, 0.5])["increase"] == pytest.approx(expected, rel=1e-3)
    assert torch.equal(quadratic.weights, w), "the weights must come back bit for bit"


def test_directions_are_as_long_as_the_filters(quadratic: Surface) -> None:
    direction = filter_normalised_direction(quadratic, seed=3)
    rows = direction[:20].view(4, 5).norm(dim=1)
    torch.testing.assert_close(rows, quadratic.parameters[0].detach().norm(dim=1))
    assert not direction[20:].any(), "vectors stay"


def test_slices_of_a_quadratic_are_parabolas(quadratic: Surface) -> None:
    w, hessian = quadratic.weights, quadratic.hessian  # type: ignore[attr-defined]
    first, second = (filter_normalised_direction(quadratic, seed) for seed in (5, 6))

    def at(alpha: float, beta: float = 0.0) -> float:
        there = w + alpha * first + beta * second
        return float(0.5 * there @ hessian @ there)

    line = slice_1d(quadratic, [-1.0, 0.0, 0.5], lambda: 0.25, seed=5)
    assert line["loss"] == pytest.approx([at(-1.0), at(0.0), at(0.5)], rel=1e-3)
    assert line["accuracy"] == [0.25] * 3
    plane = slice_2d(quadratic, [-1.0, 1.0], [0.0, 2.0, 3.0], seed=5)
    expected = [[at(alpha, beta) for beta in (0.0, 2.0, 3.0)] for alpha in (-1.0, 1.0)]
    np.testing.assert_allclose(plane["loss"], expected, rtol=1e-3)


@pytest.fixture
def rows() -> Dataset:
    return Dataset.from_pandas(reviews(10, seed=2))


def test_a_transformer_has_second_derivatives_and_keeps_its_state(rows: Dataset) -> None:
    """The product with the Hessian agrees with finite differences of the gradient."""
    subject = EvaluatedModel(bert(), tokenizer(), ["text"], batch_size=4)
    before = {key: value.clone() for key, value in subject.model.state_dict().items()}
    with surface_of(subject, rows) as surface:
        v = torch.randn(surface.weights.shape, generator=torch.Generator().manual_seed(0))
        v /= v.norm()
        exact, h = surface.hessian_times(v), 1e-2
        with surface.moved(h * v):
            ahead = surface.gradient()
        with surface.moved(-h * v):
            behind = surface.gradient()
        difference = (ahead - behind) / (2 * h)
        assert float((exact - difference).norm() / exact.norm()) < 0.05
    assert all(torch.equal(before[key], value) for key, value in subject.model.state_dict().items())
    assert not any(one.requires_grad for one in subject.model.parameters())


def test_input_gradients_are_those_of_single_examples(rows: Dataset) -> None:
    """In batches with padding or one by one: the same norms, and none of them zero."""
    subject = EvaluatedModel(bert(), tokenizer(), ["text"], batch_size=4)
    rows = rows.map(lambda row, i: {"text": row["text"] + " film" * i}, with_indices=True)
    together = input_gradient_norms(subject, rows)
    alone = [float(input_gradient_norms(subject, rows.select([i]))[0]) for i in range(len(rows))]
    np.testing.assert_allclose(together, alone, rtol=1e-3)
    assert (together > 0).all()
