"""Cost of a training step."""

from collections.abc import Sequence

import numpy as np

from uegr.report.figures.bar_chart import draw_bars
from uegr.report.figures.chart import Chart
from uegr.report.run_groups import Group


def charts(groups: Sequence[Group]) -> list[Chart]:
    """Floating-point operations and time of one training step, as multiples of a plain step, where measured."""
    arithmetic, time = (
        {
            group.label: float(np.mean(ratios))
            for group in groups
            if (ratios := [ratio for run in group.runs if (ratio := getattr(run.cost, name)) is not None])
        }
        for name in ("flop_ratio", "time_ratio")
    )
    lengths = {name: block for name, block in (("arithmetic", arithmetic), ("time", time)) if block}
    if not lengths:
        return []
    chart = draw_bars(
        groups,
        lengths,
        "one training step, as a multiple of a plain one",
        name="cost",
        title="Cost of a training step",
        alt="Bars of the cost of a training step as a multiple of a plain step.",
        caption="Counted floating-point operations and median time, on the same batch, alternating with plain steps.",
        digits=2,
    )
    return [chart]
