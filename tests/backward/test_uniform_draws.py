"""The uniform numbers that masks are drawn with: probability, independence, and where they come from."""

from __future__ import annotations

import pytest
import torch

from uegr.backward import uniform_draws
from uegr.backward.uniform_draws import GRID, TILE, Draws


@pytest.mark.parametrize("p", [0.1, 0.5, 0.97, 1.0])
def test_masks_select_with_their_probability(p: float) -> None:
    share = (Draws(0).uniforms(3, torch.empty(400_003)) < p).double().mean()
    assert float(share) == pytest.approx(p, abs=5 * (p * (1 - p) / 400_000) ** 0.5 + 1e-9)


def test_an_element_is_selected_with_its_probability_over_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rate of one element over many seeds, in the first row of a small tile and in later ones."""
    size = 64
    monkeypatch.setattr(uniform_draws, "TILE", size)
    p, steps, positions = 0.3, 3000, torch.tensor([0, 17, size, size + 17, 2 * size + 5])
    total = torch.zeros(len(positions))
    for seed in range(steps):
        draws = Draws(seed)
        rows = torch.from_numpy(draws.shifts(2, 3))
        u = (draws.tile(positions.device)[positions % size] + rows[positions // size]).frac()
        total += u < p
    assert (total / steps - p).abs().max() < 5 * (p * (1 - p) / steps) ** 0.5


def test_uniforms_lie_on_the_grid_below_one() -> None:
    u = Draws(5).uniforms(0, torch.empty(3, 100_000))
    assert u.shape == (3, 100_000)
    assert u.min() >= 0
    assert u.max() < 1
    assert torch.equal(u * GRID, (u * GRID).round())


def test_numbers_are_a_function_of_seed_parameter_and_position() -> None:
    draws = Draws(7)
    long, short = draws.uniforms(1, torch.empty(200_000)), draws.uniforms(1, torch.empty(10))
    assert torch.equal(long[:10], short)
    assert torch.equal(long, Draws(7).uniforms(1, torch.empty(200_000)))
    assert not torch.equal(long, draws.uniforms(2, torch.empty(200_000)))
    assert not torch.equal(long, Draws(8).uniforms(1, torch.empty(200_000)))


def test_pairs_are_uncorrelated_between_columns_rows_parameters_and_steps() -> None:
    """Pairs in the same column of the tile, in the same row, in another parameter, and of another seed."""
    draws = Draws(11)
    u = torch.cat([draws.uniforms(parameter, torch.empty(16, TILE)) for parameter in (0, 1)]) - 0.5
    for paired in (u.roll(1, dims=1), Draws(12).uniforms(0, u) - 0.5):
        assert abs(float((u * paired).mean())) * 12 < 5 / u.numel() ** 0.5
    # Two rows differ by one shift, so their agreement is one draw per pair of rows and not one per element.
    agreement = 12 * (u @ u.T / TILE)
    between = agreement[~torch.eye(32, dtype=torch.bool)]
    assert abs(float(between.mean())) < 5 * float(between.std()) / (32 * 31 / 2) ** 0.5
    assert agreement.diagonal().mean() == pytest.approx(1.0, abs=0.02)
