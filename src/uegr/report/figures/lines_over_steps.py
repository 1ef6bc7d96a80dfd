"""Line charts over the training steps: the form of every figure that shows the training log."""

from collections.abc import Mapping
from dataclasses import replace

from matplotlib.ticker import MaxNLocator

from uegr.report.figures.chart import Chart
from uegr.report.figures.curve_chart import Line, draw_curves
from uegr.runs.run_result import Series

TABLE_ROWS = 12


def training_lines(
    name: str,
    title: str,
    unit: str,
    curves: Mapping[str, Series],
    caption: str,
    indices: Mapping[str, int] | None = None,
) -> list[Chart]:
    """Draw one line per series; return no chart if every series is empty.

    Args:
        name, title, caption: see `Chart`.
        unit: label of the y axis.
        curves: label -> series.
        indices: label -> its place in the palette; by default in the order of the curves.
    """
    indices = indices or {label: i for i, label in enumerate(curves)}
    lines = [Line(label, indices[label], *series) for label, series in curves.items() if series[0]]
    if not lines:
        return []
    changes = "; ".join(f"{line.label} from {line.y[0]:.3g} to {line.y[-1]:.3g}" for line in lines)
    alt = f"{title}, {unit}, over the training steps: {changes}."
    chart = draw_curves(
        lines, "training step", unit, name=name, title=title, alt=alt, caption=caption, height=2.9, place="{:.0f}"
    )
    axes, heights = chart.figure.axes[0], [mark.y for mark in chart.marks]
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
    axes.set_ylim(min(0.0, *heights), 1.08 * max(0.0, *heights) or 1.0)
    every = max(1, -(-len(chart.rows) // TABLE_ROWS))
    rows = [row for i, row in enumerate(chart.rows) if i % every == 0 or i == len(chart.rows) - 1]
    return [replace(chart, rows=rows)]
