"""Theorem 1 by simulation, and what becomes of it where its assumptions do not hold.

    E[dtheta] = -eta mu,   Var[dtheta] = eta^2 sigma^2 / (p B) + eta^2 (1-p)/p mu^2      (elementwise)

Per-example gradients ~ N(mu, sigma^2 I), plain SGD, batch B, mask independent of the gradient given p. One
parameter of a million elements is a million independent draws.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from uegr.backward.replay import Replay
from uegr.backward.selection import BINS, look_up
from uegr.backward.selective import SelectiveBackward
from uegr.forward.plain import PlainForward

COUNT, ETA, MU, SIGMA, BATCH = 1_000_000, 0.5, 0.8, 1.5, 4


def batch_gradient(seed: int) -> Tensor:
    """Mean of B per-example gradients: N(mu, sigma^2 / B)."""
    noise = torch.randn(COUNT, generator=torch.Generator().manual_seed(seed))
    return MU + SIGMA / BATCH**0.5 * noise


def step(stage: SelectiveBackward, gradient: Tensor, optimizer_class: type = torch.optim.SGD) -> Tensor:
    """What one optimizer step does to a parameter that starts at 0."""
    parameter = nn.Parameter(torch.zeros(COUNT))
    optimizer = optimizer_class([parameter], lr=ETA)
    stage.attach(nn.ParameterList([parameter]), optimizer)
    parameter.grad = gradient.clone()
    stage.update(optimizer, 1, Replay(PlainForward()))
    return parameter.detach()


def fixed(p: float) -> SelectiveBackward:
    """A stage that selects every element with probability p, whatever the gradient."""
    stage = SelectiveBackward(meaning="gradient", rescale=True)
    stage._table = torch.full((BINS,), p)
    return stage


def predicted_variance(p: float) -> float:
    return ETA**2 * SIGMA**2 / (p * BATCH) + ETA**2 * (1 - p) / p * MU**2


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5, 0.9, 1.0])
def test_mean_and_variance_are_those_of_the_theorem(p: float) -> None:
    moved = step(fixed(p), batch_gradient(0))
    assert float(moved.mean()) == pytest.approx(-ETA * MU, rel=0.01)
    assert float(moved.var()) == pytest.approx(predicted_variance(p), rel=0.02)


def test_elements_are_uncorrelated() -> None:
    moved = step(fixed(0.3), batch_gradient(0)) + ETA * MU
    for lag in (1, 2, 3, 4, 7):
        assert abs(float((moved[lag:] * moved[:-lag]).mean() / moved.var())) < 0.005


def test_variance_falls_with_p_and_p_hat_bounds_it() -> None:
    shares = (0.2, 0.4, 0.8)
    variances = [float(step(fixed(p), batch_gradient(0)).var()) for p in shares]
    assert variances == sorted(variances, reverse=True)
    assert all(one <= predicted_variance(min(shares)) * 1.02 for one in variances)


def test_probabilities_from_earlier_statistics_keep_the_theorem() -> None:
    """The default, lag=True: ranks come from another gradient, so the prediction holds with the p they gave."""
    stage = SelectiveBackward(meaning="gradient", rescale=True, refresh=1, saliency="gradient", lag=True)
    step(stage, batch_gradient(1))
    p = look_up(stage._table, stage._bins[0].int())
    moved = step(stage, batch_gradient(2))
    predicted = (ETA**2 * SIGMA**2 / (p * BATCH) + ETA**2 * (1 - p) / p * MU**2).mean()
    assert float(moved.mean()) == pytest.approx(-ETA * MU, rel=0.01)
    assert float(moved.var()) == pytest.approx(float(predicted), rel=0.02)


def test_mask_from_the_same_gradient_breaks_the_covariance() -> None:
    """lag=False with 1/p stays unbiased, but large gradients are kept more often: less variance than predicted."""
    stage = SelectiveBackward(
        meaning="gradient", rescale=True, refresh=1, saliency="gradient", lag=False, probability="linear", p_min=0.1
    )
    moved = step(stage, batch_gradient(0))
    p = look_up(stage._table, stage._bins[0].int())
    predicted = (ETA**2 * SIGMA**2 / (p * BATCH) + ETA**2 * (1 - p) / p * MU**2).mean()
    assert float(moved.mean()) == pytest.approx(-ETA * MU, rel=0.01)
    assert float(moved.var()) < 0.7 * float(predicted)


def test_hard_mask_from_the_same_gradient_breaks_the_mean() -> None:
    """The most salient third, not rescaled, moves by far more than a third of the whole step."""
    stage = SelectiveBackward(
        meaning="gradient", refresh=1, saliency="gradient", lag=False, probability="top_share", draw="hard", share=0.3
    )
    moved = step(stage, batch_gradient(0))
    assert float(moved.mean()) < -1.5 * 0.3 * ETA * MU


def test_adam_breaks_the_law_in_p() -> None:
    """Adam divides by its own second moment, which has seen g/p: its first step is eta * sign(g), and the
    variance is eta^2 p, which grows with p where the theorem's falls."""

    def adam(parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        return torch.optim.AdamW(parameters, lr=lr, weight_decay=0.0)

    gradient = batch_gradient(0).abs() + 0.1
    variances = []
    for p in (0.2, 0.5):
        moved = step(fixed(p), gradient, adam)  # type: ignore[arg-type]
        variances.append(float(moved.var()))
        assert variances[-1] == pytest.approx(ETA**2 * p * (1 - p), rel=0.02)
    assert variances[1] > variances[0]
