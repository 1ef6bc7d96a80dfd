"""RoAST with a twentieth of its epsilon, in place of its runs in the grids on thirteen data sets."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.measure_groups import grouped_measures
from experiments.paths import RESULTS
from experiments.standing import ALL, Standing
from uegr.compare.grid_summary import summarise
from uegr.compare.grid_table import markdown
from uegr.compare.result_slot import latest_slots

ROAST = "roast"
SMALLER = "thirteen_roast.jsonl"
"""RoAST's runs of both grids with an epsilon of 0.1 in relative units; the grids have 2.0, the published value."""


def with_smaller_epsilon(grid: str) -> Standing:
    """The standing of a grid in which those runs take the place of RoAST's."""
    smaller = {slot.key: slot for slot in latest_slots(RESULTS / SMALLER)}
    slots = [smaller.get(slot.key, slot) for slot in latest_slots(RESULTS / f"{grid}.jsonl")]
    return Standing(slots, summarise(slots, choose_measures=grouped_measures))


def epsilon_table(grids: Mapping[str, str]) -> str:
    """RoAST's mean ranks with each epsilon, and the first two methods by all measures; `grids`: name -> its model."""
    heads: list[str] = []
    rows = []
    for grid, model in grids.items():
        for epsilon, standing in {"2.0": Standing.of_grid(grid), "0.1": with_smaller_epsilon(grid)}.items():
            rankings = standing.rankings
            overall = rankings[ALL]
            names = [f"{name} ({ranking.tasks})" for name, ranking in rankings.items()]
            heads = ["model", "RoAST's epsilon", *names, "first two"]
            ranks = [f"{ranking.mean_ranks[ROAST]:.1f}" for ranking in rankings.values()]
            first_two = ", ".join(f"{method} {overall.mean_ranks[method]:.2f}" for method in overall.ordered[:2])
            rows.append([model, epsilon, *ranks, first_two])
    return markdown(heads, rows)
