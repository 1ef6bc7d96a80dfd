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
from uegr.runs.run_result import robust_curve

COLUMNS = 4
"""Panels beside each other."""


def front_figure(tables: Sequence[Table]) -> Figure:
    """The clean metric against the mean of the robustness curve: one panel a task, one point a method, with 95 %
    intervals over the seeds. Up and to the right is better."""
    (figure, panels), places = _panels(_titles(tables)), _places(tables)
    for axes, table in zip(panels, tables, strict=True):
        for line in table.lines:
            clean, robust = line.estimates["clean"], line.estimates["robust"]
            axes.errorbar(
                100 * robust.mean,
                100 * clean.mean,
                xerr=_bar(robust),
                yerr=_bar(clean),
                **look(places[line.method]) | {"linestyle": ""},
                capsize=2,
                elinewidth=0.8,
                label=line.method,
            )
        axes.set_xlabel("robust (%)")
        axes.set_ylabel(f"{table.metric} (%)")
    _legend(figure, panels)
    return figure


def settings_figure(tasks: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]]) -> Figure:
    """Clean against robust again, one point a setting that was tried: a panel a task, a colour a method, with a line
    through those of its settings that none of its own beats in both.

    Args:
        tasks: title of a panel -> method -> (robust, clean) of each setting, in [0, 1].
    """
    figure, panels = _panels(list(tasks))
    for axes, methods in zip(panels, tasks.values(), strict=True):
        for i, (method, points) in enumerate(methods.items()):
            style = look(i)
            best = sorted(point for point in points if not any(_beats(other, point) for other in points))
            axes.plot(*_percent(best), color=style["color"], linewidth=1.2)
            axes.plot(*_percent(points), **style | {"linestyle": ""}, markersize=4, label=method)
        axes.set_xlabel("robust (%)")
        axes.set_ylabel("clean (%)")
    _legend(figure, panels)
    return figure


def curves_figure(tables: Sequence[Table]) -> Figure:
    """The robustness curves: one panel a task, one curve a method, with 95 % intervals over the seeds."""
    (figure, panels), places = _panels(_titles(tables)), _places(tables)
    for axes, table in zip(panels, tables, strict=True):
        for line in table.lines:
            style = look(places[line.method])
            epsilons, points = list(line.curve), list(line.curve.values())
            mean = np.array([100 * one.mean for one in points])
            half = np.array([_bar(one) or 0.0 for one in points])
            axes.fill_between(epsilons, mean - half, mean + half, color=style["color"], alpha=0.12, linewidth=0)
            axes.plot(epsilons, mean, **style, markersize=4, label=line.method)
        axes.set_xlabel("epsilon (relative)")
        axes.set_ylabel(f"{_curve_of(table)} under attack (%)")
    _legend(figure, panels)
    return figure


def rates_figure(values: Mapping[str, Mapping[tuple[float, float], float]]) -> Figure:
    """Heat maps of two dropout rates, after the paper's Figure 3: one panel a measure.

    Args:
        values: measure -> (lower rate, higher rate) -> percent.
    """
    figure = Figure(figsize=(4.6 * len(values), 3.9), layout="constrained")
    for at, (measure, cells) in enumerate(values.items()):
        axes = figure.add_subplot(1, len(values), at + 1)
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
    """The figure as SVG that comes out the same each time, so that a committed one changes with its numbers only."""
    return svg(figure, "uegr")


def _places(tables: Sequence[Table]) -> dict[str, int]:
    """A number for each method, the same in all panels: a method may have no run yet on one of the tasks."""
    methods = dict.fromkeys(line.method for table in tables for line in table.lines)
    return {method: at for at, method in enumerate(methods)}


def _titles(tables: Sequence[Table]) -> list[str]:
    several = len({one.model for one in tables}) > 1
    return [f"{table.task}, {table.model}" if several else table.task for table in tables]


def _panels(titles: Sequence[str]) -> tuple[Figure, list[Axes]]:
    columns = min(COLUMNS, len(titles))
    rows = -(-len(titles) // columns)
    figure = Figure(figsize=(3.1 * columns + 0.4, 2.8 * rows + 0.6), layout="constrained")
    panels = []
    for at, title in enumerate(titles):
        axes = figure.add_subplot(rows, columns, at + 1)
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


def _beats(other: tuple[float, float], point: tuple[float, float]) -> bool:
    """Whether the other is as good in both measures and better in one."""
    return other != point and other[0] >= point[0] and other[1] >= point[1]


def _percent(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [100 * x for x, _ in points], [100 * y for _, y in points]


def _curve_of(table: Table) -> str:
    return robust_curve(next(iter(table.lines[0].runs.values())))[0]


def _bar(one: Estimate) -> float | None:
    """Half the interval; none of two seeds, whose interval of twelve standard errors would be all that one sees."""
    return 100 * one.half if one.count > 2 else None
