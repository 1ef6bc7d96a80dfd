"""Flatness of the minimum: slices through the loss, curvature, sharpness, input gradients."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from uegr.report.figures.bar_chart import draw_bars
from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.curve_chart import Line, draw_curves
from uegr.report.figures.style import HEAT, INK, canvas, heat_bar
from uegr.report.run_groups import Group, analysed

Part = dict[str, Any]


def charts(groups: Sequence[Group]) -> list[Chart]:
    """The computed parts of the landscape: slices in one and two dimensions, and its numbers."""
    parts = analysed(groups, "landscape")
    if not parts:
        return []
    drawn = [*(_curves(parts, name) for name in CURVES), *(_bars(parts, name) for name in NUMBERS)]
    drawn += [_surface(group, part) for group, part in parts.items() if "slice_2d" in part]
    counts = sorted({part["examples"] for part in parts.values() if "examples" in part})
    counted = f" Measured on {' or '.join(map(str, counts))} examples." if counts else ""
    return [replace(chart, caption=chart.caption + counted) for chart in drawn if chart is not None]


CURVES = {
    "slice_1d": (
        ("alphas", "loss"),
        ("landscape-slice", "Loss along a random direction"),
        ("step along the direction, in lengths of each filter", "loss (nats)"),
        "Loss of the evaluated examples when the weights of every neuron move by that share of their own length in a "
        "random direction (filter-normalised). A wide valley is a flat minimum.",
    ),
    "sharpness": (
        ("rho", "increase"),
        ("landscape-sharpness", "Sharpness"),
        ("rho: length of the step", "increase of the loss (nats)"),
        "Increase of the loss by a step of length rho along the gradient of all weights (SAM's sharpness).",
    ),
}
"""Part of the landscape -> its fields of x and y, name and title of the chart, units of x and y, and caption."""


def _curves(parts: dict[Group, Part], name: str) -> Chart | None:
    (x, y), (chart_name, title), (x_unit, y_unit), caption = CURVES[name]
    lines = [
        Line(group.label, group.index, part[name][x], part[name][y]) for group, part in parts.items() if name in part
    ]
    if not lines:
        return None
    ranges = "; ".join(f"{line.label} between {min(line.y):.3g} and {max(line.y):.3g}" for line in lines)
    alt = f"{y_unit.capitalize()} against {x_unit}: {ranges}."
    return draw_curves(lines, x_unit, y_unit, name=chart_name, title=title, alt=alt, caption=caption)


NUMBERS = {
    "eigenvalues": (
        "Largest Hessian eigenvalues",
        "curvature (nats per squared unit of weight)",
        "Along the directions of largest curvature of the loss; smaller is flatter.",
    ),
    "trace": (
        "Trace of the Hessian",
        "sum of all curvatures",
        "Hutchinson's estimate; smaller is flatter. Lines: two standard errors.",
    ),
    "input_gradient": (
        "Input gradient",
        "l2 norm (nats per unit of embedding)",
        "Mean norm of the gradient of the loss at the token embeddings of an example; adversarial training makes it "
        "small. Lines: two standard errors.",
    ),
}
"""Part of the landscape -> title, unit and caption of its bars."""


def _bars(parts: dict[Group, Part], name: str) -> Chart | None:
    title, unit, caption = NUMBERS[name]
    lengths: dict[str, dict[str, float]] = {}
    intervals: dict[str, dict[str, tuple[float, float]]] = {}
    for group, measured in ((group, part[name]) for group, part in parts.items() if name in part):
        if name == "eigenvalues":
            for i, value in enumerate(measured, 1):
                lengths.setdefault(f"eigenvalue {i}", {})[group.label] = value
            continue
        item = "trace" if name == "trace" else "mean"
        mean, error = measured["mean"], measured.get("standard_error")
        lengths.setdefault(item, {})[group.label] = mean
        if error is not None and np.isfinite(error):
            intervals.setdefault(item, {})[group.label] = (mean - 2 * error, mean + 2 * error)
    if not lengths:
        return None
    return draw_bars(
        list(parts),
        lengths,
        unit,
        name=f"landscape-{name.replace('_', '-')}",
        title=title,
        alt=f"Bars of {unit}.",
        caption=caption,
        digits=3,
        intervals=intervals,
    )


def _surface(group: Group, part: Part) -> Chart:
    """Loss over a plane through the weights, as a heat map with contours."""
    grid = part["slice_2d"]
    alphas, betas, loss = (np.array(grid[name]) for name in ("alphas", "betas", "loss"))
    figure, axes = canvas(4.3)
    mesh = axes.pcolormesh(betas, alphas, loss, cmap=HEAT, shading="nearest", edgecolors="face", linewidth=0.2)
    axes.contour(betas, alphas, loss, levels=6, colors="#ffffff", linewidths=0.8)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.plot([0], [0], marker="+", color=INK, markersize=9)
    axes.grid(visible=False)
    axes.set_xlabel("step along the second direction")
    axes.set_ylabel("step along the first direction")
    heat_bar(figure, mesh, axes, "loss (nats)")
    marks = [
        Mark(axes, betas[j], alphas[i], f"loss {loss[i, j]:.3f} at ({alphas[i]:.2g}, {betas[j]:.2g})")
        for i in range(len(alphas))
        for j in range(len(betas))
    ]
    return Chart(
        name=f"landscape-surface-{group.index}",
        title=f"Loss around the minimum: {group.label}",
        alt=f"Heat map of the loss over a plane through the weights, from {loss.min():.3f} to {loss.max():.3f} nats.",
        caption=(
            f"{group.label}, {group.seeds}. Two filter-normalised random directions; the cross is the trained model. "
            "Contours: lines of equal loss."
        ),
        figure=figure,
        headings=["first \\ second", *(f"{beta:.3g}" for beta in betas)],
        rows=[[f"{alpha:.3g}", *(f"{value:.4g}" for value in row)] for alpha, row in zip(alphas, loss, strict=True)],
        marks=marks,
    )
