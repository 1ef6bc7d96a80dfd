"""Curvature of a loss with a known Hessian."""

from __future__ import annotations

import pytest
import torch

from support.quadratic_loss import EIGENVALUES, Quadratic
from uegr.evaluation.landscape.curvature import largest_eigenvalues, sharpness, trace


def test_largest_eigenvalues_are_the_known_ones_and_the_negative_one_is_not_among_them() -> None:
    quadratic = Quadratic()
    assert largest_eigenvalues(quadratic, 3, tolerance=1e-4) == pytest.approx([7.0, 4.0, 1.0], rel=1e-2)


def test_trace_is_the_sum_of_the_eigenvalues() -> None:
    quadratic = Quadratic()
    estimate = trace(quadratic, probes=400)
    assert abs(estimate["mean"] - sum(EIGENVALUES)) < 4 * estimate["standard_error"] < 3.0


def test_sharpness_of_a_quadratic() -> None:
    """A step rho up the gradient adds rho |g| + rho^2/2 n'Hn."""
    quadratic = Quadratic()
    w, hessian = quadratic.weights, quadratic.hessian
    g = hessian @ w
    n = g / g.norm()
    expected = [rho * float(g.norm()) + 0.5 * rho**2 * float(n @ hessian @ n) for rho in (0.05, 0.5)]
    assert sharpness(quadratic, [0.05, 0.5])["increase"] == pytest.approx(expected, rel=1e-3)
    assert torch.equal(quadratic.weights, w), "the weights must come back bit for bit"
