"""Slices through a quadratic loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from support.quadratic_loss import Quadratic
from uegr.evaluation.landscape.slices import filter_normalised_direction, slice_1d, slice_2d


def test_directions_are_as_long_as_the_filters() -> None:
    quadratic = Quadratic()
    direction = filter_normalised_direction(quadratic, seed=3)
    rows = direction[:20].view(4, 5).norm(dim=1)
    torch.testing.assert_close(rows, quadratic.parameters[0].detach().norm(dim=1))
    assert not direction[20:].any(), "vectors stay"


def test_slices_of_a_quadratic_are_parabolas() -> None:
    quadratic = Quadratic()
    w, hessian = quadratic.weights, quadratic.hessian
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
