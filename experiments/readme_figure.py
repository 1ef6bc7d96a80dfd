"""The figure of the README: accuracy under attack of plain fine-tuning, UEGR and the best other method."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.grid_sections import read_grid_results
from uegr.compare.grid_summary import Table
from uegr.report.figures.style import INK, LINE

ROWS = {
    "film reviews, TinyBERT": ("second", "rotten_tomatoes"),
    "film reviews, MiniLM": ("main", "rotten_tomatoes"),
    "sentiment (SST-2), MiniLM": ("main", "sst2"),
    "grammaticality (CoLA), MiniLM": ("main", "cola"),
    "question types (TREC), MiniLM": ("main", "trec"),
    "film reviews, TextCNN from scratch": ("scratch", "rotten_tomatoes"),
}
"""Label -> grid and task."""
TITLE = "Accuracy under attack on the embeddings, % (mean of four radii, five seeds)"
GREY, BLUE, BROWN = "#8a8f98", "#1f6feb", "#b35900"
LEGEND = {"plain fine-tuning": GREY, "UEGR": BLUE, "best other method": BROWN}


def readme_figure() -> Figure:
    """One row per task and model: a dot per method, and a line from plain to UEGR with their difference in points.

    Methods that collapsed do not count as the best other method.
    """
    figure = Figure(figsize=(7.9, 3.15))
    figure.text(0.02, 0.915, TITLE, color=INK, fontsize=11)
    handles = [Line2D([], [], label=label, **_dot(color)) for label, color in LEGEND.items()]
    figure.legend(
        handles=handles, loc=(0.005, 0.8), ncols=3, frameon=False, handletextpad=0.1, labelcolor=list(LEGEND.values())
    )
    axes = figure.add_axes((0.33, 0.105, 0.55, 0.675))
    for row, (grid, task) in enumerate(ROWS.values()):
        table = next(table for table in read_grid_results(grid)[1] if table.task == task)
        uegr = table.line("uegr")
        assert uegr is not None
        best, difference = uegr.best["robust"].opponent, uegr.plain["robust"].comparison.difference.mean
        percents = [_robust(table, method) for method in ("plain", best, "uegr")]
        axes.plot(percents[::2], [row, row], color=BLUE, linewidth=2.2)
        for percent, color in zip(percents, (GREY, BROWN, BLUE), strict=True):
            axes.plot(percent, row, **_dot(color))
        axes.text(max(percents) + 2.4, row, f"{100 * difference:+.1f}", color=BLUE, va="center")
        axes.text(103.5, row, best, color=BROWN, va="center")
    axes.set(xlim=(0, 100), ylim=(len(ROWS) - 0.4, -0.6))
    axes.set_yticks(range(len(ROWS)), list(ROWS))
    axes.tick_params(length=0, pad=7, labelcolor=INK)
    axes.grid(axis="x", color=LINE)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    return figure


def _robust(table: Table, method: str) -> float:
    """The mean of a method's robustness curve in percent."""
    line = table.line(method)
    assert line is not None
    return 100 * line.estimates["robust"].mean


def _dot(color: str) -> dict[str, Any]:
    fill = "white" if color == BROWN else color  # hollow, so that a dot below it can be seen
    return {"color": color, "markerfacecolor": fill, "marker": "o", "linestyle": "", "markersize": 7.5, "mew": 1.5}
