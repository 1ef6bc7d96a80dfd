"""Line charts over the training steps: the form of every figure that shows the training log."""

from collections.abc import Mapping
from typing import Any

from matplotlib.ticker import MaxNLocator

from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.style import canvas, legend, look
from uegr.runs.run_result import Series

TABLE_ROWS = 12


def training_lines(
    name: str,
    title: str,
    unit: str,
    curves: Mapping[str, Series],
    caption: str,
    looks: Mapping[str, dict[str, Any]] | None = None,
) -> list[Chart]:
    """Draw one line per series; return no chart if every series is empty.

    Args:
        name, title, caption: of the chart.
        unit: label of the y axis.
        curves: label -> series.
        looks: label -> `look`; in the order of the curves if left out.
    """
    looks = looks or {label: look(i) for i, label in enumerate(curves)}
    curves = {label: series for label, series in curves.items() if series[0]}
    if not curves:
        return []
    figure, axes = canvas(2.9)
    marks = []
    for label, (steps, values) in curves.items():
        axes.plot(steps, values, **{**looks[label], "markersize": 4, "markevery": max(1, len(steps) // 12)})
        marks += [Mark(axes, x, y, f"{label}: {y:.4g} at step {x}") for x, y in zip(steps, values, strict=True)]
    axes.set_xlabel("training step")
    axes.set_ylabel(unit)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
    heights = [mark.y for mark in marks]
    axes.set_ylim(min(0.0, *heights), 1.08 * max(0.0, *heights) or 1.0)
    legend(figure, [(label, looks[label]) for label in curves])
    steps = sorted({step for series in curves.values() for step in series[0]})
    every = max(1, -(-len(steps) // TABLE_ROWS))
    table_steps = [step for i, step in enumerate(steps) if i % every == 0 or step == steps[-1]]
    cells = {label: {x: f"{y:.4g}" for x, y in zip(*series, strict=True)} for label, series in curves.items()}
    changes = "; ".join(f"{label} from {values[0]:.3g} to {values[-1]:.3g}" for label, (_, values) in curves.items())
    chart = Chart(
        name=name,
        title=title,
        alt=f"{title}, {unit}, over the training steps: {changes}.",
        caption=caption,
        figure=figure,
        headings=["step", *curves],
        rows=[[str(step), *(cells[label].get(step, "–") for label in curves)] for step in table_steps],
        marks=marks,
    )
    return [chart]
