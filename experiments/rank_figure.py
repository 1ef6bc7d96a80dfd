"""Critical-difference diagrams (Demsar 2006): mean ranks on a line, with bars over methods that do not differ."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.standing import Ranking, Standing
from uegr.evaluation.statistics import critical_difference
from uegr.report.figures.style import COLOURS

HIGHLIGHT = {"plain": COLOURS[2], "uegr": COLOURS[1]}
"""The two methods that the page is about."""


def rank_figure(standing: Standing) -> Figure:
    """One diagram per ranking, below each other; the best method is on the left."""
    rankings = standing.rankings
    height = 0.9 + 0.2 * max(len(ranking.mean_ranks) for ranking in rankings.values())
    figure = Figure(figsize=(8.2, height * len(rankings)), layout="constrained")
    for index, (title, ranking) in enumerate(rankings.items(), 1):
        _draw(figure.add_subplot(len(rankings), 1, index), title, ranking, standing.adjusted_p[title])
    return figure


def _draw(axes: Axes, title: str, ranking: Ranking, p: float) -> None:
    mean_ranks, count = ranking.mean_ranks, len(ranking.mean_ranks)
    groups = [group for group in ranking.not_different() if len(group) > 1]
    rows = -(-count // 2)
    axes.set_xlim(0.2 - 0.32 * count, 0.8 + 1.32 * count)
    axes.set_ylim(-0.35 * len(groups) - 0.6 - rows, 1.6)
    axes.axis("off")
    adjusted = "" if math.isnan(p) else f", Friedman p {p:.2g} after Holm's correction"
    axes.set_title(f"{title}: {ranking.tasks} data sets{adjusted}", fontsize=10, loc="left")
    axes.hlines(0, 1, count, color=COLOURS[0], linewidth=1)
    for rank in range(1, count + 1):
        axes.vlines(rank, 0, 0.15, color=COLOURS[0], linewidth=1)
        axes.text(rank, 0.25, str(rank), ha="center", va="bottom", fontsize=8)
    difference = critical_difference(count, ranking.tasks)
    axes.hlines(1.2, 1, 1 + difference, color=COLOURS[0], linewidth=2)
    axes.text(1 + difference + 0.1, 1.2, f"critical difference {difference:.2f}", va="center", fontsize=8)
    for row, group in enumerate(groups):
        ends = (mean_ranks[group[0]] - 0.04, mean_ranks[group[-1]] + 0.04)
        axes.hlines(-0.35 * (row + 1), *ends, color=COLOURS[0], linewidth=3)
    _name(axes, ranking, -0.35 * len(groups) - 0.4)


def _name(axes: Axes, ranking: Ranking, top: float) -> None:
    """The better half is named on the left, the other half on the right."""
    mean_ranks, count = ranking.mean_ranks, len(ranking.mean_ranks)
    half = -(-count // 2)
    for position, method in enumerate(ranking.ordered):
        left = position < half
        level = top - (position if left else count - 1 - position)
        end, colour = (0.7 if left else count + 0.3), HIGHLIGHT.get(method, COLOURS[0])
        axes.plot([mean_ranks[method], mean_ranks[method], end], [0, level, level], color=colour, linewidth=0.9)
        text = f"{method} {mean_ranks[method]:.1f}" if left else f"{mean_ranks[method]:.1f} {method}"
        axes.text(
            end - 0.08 if left else end + 0.08,
            level,
            text,
            ha="right" if left else "left",
            va="center",
            fontsize=9,
            color=colour,
        )
