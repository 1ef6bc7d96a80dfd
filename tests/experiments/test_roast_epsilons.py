"""RoAST's runs with another epsilon take the place of those of the grid, and of no others."""

from __future__ import annotations

import pytest
from experiments.roast_epsilons import ROAST, with_smaller_epsilon
from experiments.standing import Standing


@pytest.mark.parametrize("grid", ["thirteen", "thirteen_textcnn"])
def test_only_the_runs_of_roast_are_others(grid: str) -> None:
    published, smaller = (
        {slot.key: slot for slot in standing.slots if slot.run is not None}
        for standing in (Standing.of_grid(grid), with_smaller_epsilon(grid))
    )
    assert published.keys() == smaller.keys()
    epsilons = {
        (published[key].content["option.epsilon"], smaller[key].content["option.epsilon"])
        for key in published
        if key[2] == ROAST
    }
    assert epsilons == {(2.0, 0.1)}
    assert all(published[key].run == smaller[key].run for key in published if key[2] != ROAST)
