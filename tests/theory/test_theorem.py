"""Theorem 1 by simulation, and what happens where its assumptions do not hold.

    E[dtheta] = -eta mu,   Var[dtheta] = eta^2 sigma^2 / (p B) + eta^2 (1-p)/p mu^2      (elementwise)

Per-example gradients ~ N(mu, sigma^2 I), plain SGD, batch B, mask independent of the gradient given p. A parameter
of a million elements is a million independent draws.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from support.stages import NO_REPLAY, stage_of
from uegr.backward.selection import BINS, bin_of, look_up
from uegr.backward.selective import SelectiveBackward

COUNT, ETA, MU, SIGMA, BATCH = 1_000_000, 0.5, 0.8, 1.5, 4


def batch_gradient(seed: int) -> Tensor:
    """Mean of B per-example gradients: N(mu, sigma^2 / B)."""
    noise = torch.randn(COUNT, generator=torch.Generator().manual_seed(seed))
    return MU + SIGMA / BATCH**0.5 * noise


def change(stage: SelectiveBackward, gradient: Tensor, optimizer_class: type = torch.optim.SGD) -> Tensor:
    """What one optimizer step does to a parameter that starts at 0."""
    parameter = nn.Parameter(torch.zeros(COUNT))
    optimizer = optimizer_class([parameter], lr=ETA)
    stage.attach(nn.ParameterList([parameter]), optimizer)
    parameter.grad = gradient.clone()
    stage.update(optimizer, 1, NO_REPLAY)
    return parameter.detach()


def with_fixed_probability(p: float) -> SelectiveBackward:
    """A stage that selects every element with probability p, whatever the gradient."""
    stage = stage_of(SelectiveBackward, mask_mode="gradient")
    stage._table = torch.full((BINS,), p)
    return stage


def with_ranks_of(gradient: Tensor, **options: float | str) -> SelectiveBackward:
    """A stage whose next mask is drawn by the ranks of this gradient."""
    stage = stage_of(SelectiveBackward, mask_mode="gradient", saliency="gradient", **options)
    stage._table = stage.selection.table([gradient.abs()])
    stage._bins = {0: bin_of(gradient.abs()).to(torch.int16)}
    return stage


def probabilities(stage: SelectiveBackward) -> Tensor:
    """The update probability of every element."""
    assert stage._table is not None
    return look_up(stage._table, stage._bins[0].int())


def predicted_variance(p: Tensor | float) -> float:
    """The theorem's variance, its mean over the elements."""
    return float(torch.as_tensor(ETA**2 * SIGMA**2 / (p * BATCH) + ETA**2 * (1 - p) / p * MU**2).mean())


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5, 0.9, 1.0])
def test_mean_and_variance_are_those_of_the_theorem(p: float) -> None:
    moved = change(with_fixed_probability(p), batch_gradient(0))
    assert float(moved.mean()) == pytest.approx(-ETA * MU, rel=0.01)
    assert float(moved.var()) == pytest.approx(predicted_variance(p), rel=0.02)


def test_elements_are_uncorrelated() -> None:
    moved = change(with_fixed_probability(0.3), batch_gradient(0)) + ETA * MU
    for distance in (1, 2, 3, 4, 7):
        assert abs(float((moved[distance:] * moved[:-distance]).mean() / moved.var())) < 0.005


def test_the_variance_falls_with_p_and_p_hat_bounds_it() -> None:
    shares = (0.2, 0.4, 0.8)
    variances = [float(change(with_fixed_probability(p), batch_gradient(0)).var()) for p in shares]
    assert variances == sorted(variances, reverse=True)
    assert all(variance <= predicted_variance(min(shares)) * 1.02 for variance in variances)


def test_probabilities_from_earlier_steps_keep_the_theorem() -> None:
    """As the stage ranks: by the gradient of the step before."""
    stage = stage_of(SelectiveBackward, mask_mode="gradient", refresh=1, saliency="gradient")
    change(stage, batch_gradient(1))
    p = probabilities(stage)
    moved = change(stage, batch_gradient(2))
    assert float(p.max() - p.min()) > 0.3
    assert float(moved.mean()) == pytest.approx(-ETA * MU, rel=0.01)
    assert float(moved.var()) == pytest.approx(predicted_variance(p), rel=0.02)


def test_a_mask_from_the_same_gradient_breaks_the_covariance() -> None:
    """Divided by p it stays unbiased, but large gradients are selected more often: less variance than predicted."""
    gradient = batch_gradient(0)
    stage = with_ranks_of(gradient, probability="linear", p_min=0.1)
    p = probabilities(stage)
    moved = change(stage, gradient)
    assert float(moved.mean()) == pytest.approx(-ETA * MU, rel=0.01)
    assert float(moved.var()) < 0.7 * predicted_variance(p)


def test_the_top_share_of_the_same_gradient_breaks_the_mean() -> None:
    """The most salient third, which is not rescaled, moves by far more than a third of the whole step."""
    gradient = batch_gradient(0)
    moved = change(with_ranks_of(gradient, probability="top_share", share=0.3), gradient)
    assert float(moved.mean()) < -1.5 * 0.3 * ETA * MU


def test_adam_breaks_the_law_in_p() -> None:
    """Adam divides by its own second moment, which has seen g / p: its first step is eta * sign(g), and the
    variance is eta^2 p (1 - p), which grows with p below 1/2 where the theorem's falls."""

    def adam(parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        return torch.optim.AdamW(parameters, lr=lr, weight_decay=0.0)

    gradient = batch_gradient(0).abs() + 0.1
    variances = []
    for p in (0.2, 0.5):
        moved = change(with_fixed_probability(p), gradient, adam)  # type: ignore[arg-type]
        variances.append(float(moved.var()))
        assert variances[-1] == pytest.approx(ETA**2 * p * (1 - p), rel=0.02)
    assert variances[1] > variances[0]
