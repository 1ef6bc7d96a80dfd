"""What training and evaluation cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from uegr.report.figures.bars import bar_rows, bars, in_words
from uegr.report.figures.chart import Chart
from uegr.report.run_groups import Group

RATIOS = {"flop_ratio": "arithmetic", "time_ratio": "time"}


def ratio_chart(groups: Sequence[Group]) -> Chart:
    """Arithmetic and time of one training step, as multiples of a plain one."""
    lengths = {
        title: {group.label: float(np.mean([run["cost"][name] for run in group.runs])) for group in groups}
        for name, title in RATIOS.items()
    }
    figure, marks = bars(groups, lengths, "one training step, times a plain one", digits=2)
    headings, rows = bar_rows(groups, lengths, 2)
    told = in_words(groups, lengths, 2)
    return Chart(
        name="cost",
        title="Cost of a training step",
        alt=f"Bars of the cost of a training step as a multiple of a plain one. {told}.",
        caption="Measured on the same batch, in turn with plain steps: counted floating-point operations, median time.",
        figure=figure,
        headings=headings,
        rows=rows,
        marks=marks,
    )


def evaluation_chart(groups: Sequence[Group]) -> Chart | None:
    """Time of each evaluation, an example, in units of one forward pass of one example."""
    lengths: dict[str, dict[str, float]] = {}
    for group in groups:
        for name, part in _measured(group.first).items():
            lengths.setdefault(name, {})[group.label] = part["forward_passes"]
    if not lengths:
        return None
    figure, marks = bars(groups, lengths, "time in forward passes an example (log)", log=True)
    headings, rows = bar_rows(groups, lengths)
    longest = max(lengths, key=lambda name: max(lengths[name].values()))
    return Chart(
        name="evaluation-cost",
        title="Cost of the evaluations",
        alt=f"Bars of time an example. The longest is {longest}: {max(lengths[longest].values()):.0f} forward passes.",
        caption="Wall time an example, over that of one forward pass of one example on the same rows, same process.",
        figure=figure,
        headings=headings,
        rows=rows,
        marks=marks,
    )


def _measured(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Name of each evaluation of a run that has recorded its time -> that record."""
    parts = {
        "robustness curve": run["robustness"],
        **{str(one["attack"]): one for one in (*run.get("embedding_attacks", ()), *run.get("text_attacks", ()))},
        **{name.replace("_", " "): part for name, part in run.get("analysis", {}).items()},
    }
    costs = {name: part.get("cost", {}) for name, part in parts.items()}
    return {name: cost for name, cost in costs.items() if cost.get("forward_passes", 0) > 0}
