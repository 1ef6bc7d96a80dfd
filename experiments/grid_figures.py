"""Figures of a grid: clean against robust by method and by setting, robustness curves, a heat map of two rates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uegr.compare.grid_summary import Table
from uegr.evaluation.statistics import Estimate
from uegr.report.figures.render import svg
from uegr.report.figures.style import look

COLUMNS = 4
"""The number of panels in a row."""


def front_figure(tables: Sequence[Table]) -> Figure:
    """The clean metric against the mean of the robustness curve: one panel per task, one point per method, with
    95 % intervals over the seeds. Up and to the right is better."""
    (figure, panels), styles = _panels(_titles(tables)), _styles(tables)
    for axes, table in zip(panels, tables, strict=True):
        for line in table.lines:
            clean, robust = line.estimates["clean"], line.estimates["robust"]
            axes.errorbar(
                100 * robust.mean,
                100 * clean.mean,
                xerr=_bar(robust),
                yerr=_bar(clean),
                **look(styles[line.method]) | {"linestyle": ""},
                capsize=2,
                elinewidth=0.8,
                label=line.method,
            )
        axes.set_xlabel("robust (%)")
        axes.set_ylabel(f"{table.metric} (%)")
    _legend(figure, panels)
    return figure


def settings_figure(tasks: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]]) -> Figure:
    """Clean against robust, one point per setting that was tried: one panel per task, one colour per method, and a line
    through the settings of a method that none of its other settings beats.

    Args:
        tasks: title of a panel -> method -> (robust, clean) of every setting, in [0, 1].
    """
    figure, panels = _panels(list(tasks))
    for axes, methods in zip(panels, tasks.values(), strict=True):
        for i, (method, points) in enumerate(methods.items()):
            style = look(i)
            best = sorted(point for point in points if not any(_beats(rival, point) for rival in points))
            axes.plot(*_percent(best), color=style["color"], linewidth=1.2)
            axes.plot(*_percent(points), **style | {"linestyle": ""}, markersize=4, label=method)
        axes.set_xlabel("robust (%)")
        axes.set_ylabel("clean (%)")
    _legend(figure, panels)
    return figure


def curves_figure(tables: Sequence[Table]) -> Figure:
    """The robustness curves: one panel per task, one curve per method, with 95 % intervals over the seeds."""
    (figure, panels), styles = _panels(_titles(tables)), _styles(tables)
    for axes, table in zip(panels, tables, strict=True):
        for line in table.lines:
            style = look(styles[line.method])
            epsilons, points = list(line.curve), list(line.curve.values())
            mean = np.array([100 * point.mean for point in points])
            half = np.array([_bar(point) or 0.0 for point in points])
            axes.fill_between(epsilons, mean - half, mean + half, color=style["color"], alpha=0.12, linewidth=0)
            axes.plot(epsilons, mean, **style, markersize=4, label=line.method)
        axes.set_xlabel("epsilon (relative)")
        axes.set_ylabel(f"{_curve_of(table)} under attack (%)")
    _legend(figure, panels)
    return figure


def rates_figure(values: Mapping[str, Mapping[tuple[float, float], float]]) -> Figure:
    """Heat maps of two dropout rates, after the paper's Figure 3: one panel per measure.

    Args:
        values: measure -> (lower rate, higher rate) -> percent.
    """
    figure = Figure(figsize=(4.6 * len(values), 3.9), layout="constrained")
    for index, (measure, cells) in enumerate(values.items(), 1):
        axes = figure.add_subplot(1, len(values), index)
        rates = sorted({rate for pair in cells for rate in pair})
        grid = np.full((len(rates), len(rates)), np.nan)
        for (low, high), value in cells.items():
            grid[rates.index(high), rates.index(low)] = value
        image = axes.imshow(grid, origin="lower", cmap="cividis")
        middle = (np.nanmin(grid) + np.nanmax(grid)) / 2
        for (row, column), value in np.ndenumerate(grid):
            if not math.isnan(value):
                colour = "white" if value < middle else "black"
                axes.text(column, row, f"{value:.1f}", ha="center", va="center", fontsize=8, color=colour)
        axes.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
        axes.set_yticks(range(len(rates)), [f"{rate:g}" for rate in rates])
        axes.set_xlabel("rate of one pass")
        axes.set_ylabel("rate of the other")
        axes.set_title(measure)
        figure.colorbar(image, ax=axes, shrink=0.85)
    return figure


def svg_text(figure: Figure) -> str:
    """The figure as SVG, the same text every time, so that a committed figure changes only with its numbers."""
    return svg(figure, "uegr")


def _styles(tables: Sequence[Table]) -> dict[str, int]:
    """The number of each method's style, the same in all panels: a method may have no run on one of the tasks."""
    methods = dict.fromkeys(line.method for table in tables for line in table.lines)
    return {method: index for index, method in enumerate(methods)}


def _titles(tables: Sequence[Table]) -> list[str]:
    several = len({table.model for table in tables}) > 1
    return [f"{table.task}, {table.model}" if several else table.task for table in tables]


def _panels(titles: Sequence[str]) -> tuple[Figure, list[Axes]]:
    columns = min(COLUMNS, len(titles))
    rows = -(-len(titles) // columns)
    figure = Figure(figsize=(3.1 * columns + 0.4, 2.8 * rows + 0.6), layout="constrained")
    panels = []
    for index, title in enumerate(titles, 1):
        axes = figure.add_subplot(rows, columns, index)
        axes.set_title(title, fontsize=10)
        axes.grid(alpha=0.25)
        panels.append(axes)
    return figure, panels


def _legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """One legend below all panels."""
    named = {label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    inches = 0.5 + 0.065 * max(len(name) for name in named)
    columns = max(1, min(len(named), int(figure.get_figwidth() / inches)))
    figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=columns, frameon=False, fontsize=8)


def _beats(rival: tuple[float, float], point: tuple[float, float]) -> bool:
    """Whether the rival is at least as good in both measures, and better in one."""
    return rival != point and rival[0] >= point[0] and rival[1] >= point[1]


def _percent(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [100 * x for x, _ in points], [100 * y for _, y in points]


def _curve_of(table: Table) -> str:
    return next(iter(table.lines[0].runs.values())).robustness.metric


def _bar(estimate: Estimate) -> float | None:
    """Half the interval; None for two seeds, whose interval of twelve standard errors would hide all else."""
    return 100 * estimate.half if estimate.count > 2 else None
