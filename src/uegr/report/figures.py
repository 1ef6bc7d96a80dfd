"""Figures, from the runs of a results.json."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from uegr.report.results import label, robust_curve

# Okabe and Ito's colours, which the colour-blind tell apart; black first for what comes first, plain.
COLOURS = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def robustness_figure(runs: Sequence[dict[str, Any]]) -> Figure:
    """Accuracy (or the task's metric) against epsilon, one curve a run; accuracies with a 95 % Wilson interval over
    the attacked examples."""
    figure = Figure(figsize=(7, 4.4), layout="constrained")
    axes = figure.add_subplot()
    for i, run in enumerate(runs):
        name, epsilons, values = robust_curve(run)
        colour = COLOURS[i % len(COLOURS)]
        if name == "accuracy":  # only a share of examples has this interval
            low, high = zip(*(wilson(one, run["robustness"].get("examples")) for one in values), strict=True)
            axes.fill_between(epsilons, [100 * x for x in low], [100 * x for x in high], color=colour, alpha=0.13)
        axes.plot(
            epsilons,
            [100 * one for one in values],
            color=colour,
            marker=MARKERS[i % len(MARKERS)],
            label=label(run, runs),
        )
    curve = runs[0]["robustness"]
    unit = "relative to the mean embedding norm" if curve["relative"] else "absolute"
    axes.set_xlabel(f"epsilon ({curve['norm']}, {unit})")
    shown = " / ".join(dict.fromkeys(robust_curve(run)[0] for run in runs)).replace("_", " ")
    axes.set_ylabel(f"{shown} under attack (%)")
    examples = f", {curve['examples']} examples" if "examples" in curve else ""
    axes.set_title(f"{curve['attack']} on {runs[0]['task']}{examples}")
    lowest = min([0.0, *(100 * one for run in runs for one in robust_curve(run)[2])])  # a correlation can be negative
    axes.set_ylim(lowest, 100)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    return figure


def wilson(share: float, count: int | None, z: float = 1.959964) -> tuple[float, float]:
    """95 % Wilson score interval of a share seen in `count` examples; the share itself if nobody counted."""
    if not count:
        return share, share
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * (share * (1 - share) / count + z * z / (4 * count * count)) ** 0.5
    return max(0.0, centre - half), min(1.0, centre + half)


def save_png(figure: Figure, path: Path) -> None:
    """Write the figure as PNG, 150 dots an inch."""
    figure.savefig(path, dpi=150)


def svg(figure: Figure) -> str:
    """The figure as SVG text, to be set into a page."""
    buffer = StringIO()
    figure.savefig(buffer, format="svg", transparent=False)
    text = buffer.getvalue()
    return text[text.index("<svg") :]
