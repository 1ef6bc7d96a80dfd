"""Flatness of the minimum: slices through the loss, curvature, sharpness, input gradients."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from uegr.report.figures.bar_chart import bar_rows, bars, in_words
from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.style import HEAT, INK, canvas, heat_bar, legend, look
from uegr.report.run_groups import Group, analysed

Part = dict[str, Any]


def charts(groups: Sequence[Group]) -> list[Chart]:
    """The computed parts of the landscape: slices in one and two dimensions, and its numbers."""
    parts = analysed(groups, "landscape")
    if not parts:
        return []
    surfaces = [_surface(group, part) for group, part in parts.items() if "slice_2d" in part]
    drawn = [chart for chart in (_slice(parts), _sharpness(parts), *_numbers(parts)) if chart] + surfaces
    counts = sorted({part["examples"] for part in parts.values() if "examples" in part})
    counted = f" Measured on {' or '.join(map(str, counts))} examples." if counts else ""
    return [replace(chart, caption=chart.caption + counted) for chart in drawn]


def _slice(parts: dict[Group, Part]) -> Chart | None:
    return _curves(
        {group: part["slice_1d"] for group, part in parts.items() if "slice_1d" in part},
        ("alphas", "loss"),
        ("landscape-slice", "Loss along a random direction"),
        ("step along the direction, in lengths of each filter", "loss (nats)"),
        "Loss of the evaluated examples when the weights of every neuron move by that share of their own length in a "
        "random direction (filter-normalised). A wide valley is a flat minimum.",
    )


def _sharpness(parts: dict[Group, Part]) -> Chart | None:
    return _curves(
        {group: part["sharpness"] for group, part in parts.items() if "sharpness" in part},
        ("rho", "increase"),
        ("landscape-sharpness", "Sharpness"),
        ("rho: length of the step", "increase of the loss (nats)"),
        "Increase of the loss by a step of length rho along the gradient of all weights (SAM's sharpness).",
    )


def _curves(
    parts: dict[Group, Part], fields: tuple[str, str], names: tuple[str, str], units: tuple[str, str], caption: str
) -> Chart | None:
    if not parts:
        return None
    figure, axes = canvas(3.1)
    marks, cells, ranges = [], {}, []
    for group, part in parts.items():
        x, y = (part[field] for field in fields)
        axes.plot(x, y, **look(group.index))
        marks += [Mark(axes, a, b, f"{group.label}: {b:.4g} at {a:.3g}") for a, b in zip(x, y, strict=True)]
        cells[group.label] = {a: f"{b:.4g}" for a, b in zip(x, y, strict=True)}
        ranges.append(f"{group.label} between {min(y):.3g} and {max(y):.3g}")
    axes.set_xlabel(units[0])
    axes.set_ylabel(units[1])
    legend(figure, [(group.label, look(group.index)) for group in parts])
    places = sorted({place for column in cells.values() for place in column})
    return Chart(
        name=names[0],
        title=names[1],
        alt=f"{units[1].capitalize()} against {units[0]}: {'; '.join(ranges)}.",
        caption=caption,
        figure=figure,
        headings=[units[0], *cells],
        rows=[[f"{place:.4g}", *(column.get(place, "–") for column in cells.values())] for place in places],
        marks=marks,
    )


def _numbers(parts: dict[Group, Part]) -> list[Chart]:
    """Bars, in one figure per unit: eigenvalues and trace of the Hessian, input gradients."""

    def eigenvalues(part: Part) -> dict[str, float]:
        return {f"eigenvalue {i + 1}": value for i, value in enumerate(part.get("eigenvalues", ()))}

    def mean_of(name: str, title: str) -> Callable[[Part], dict[str, float]]:
        return lambda part: {title: part[name]["mean"]} if name in part else {}

    kinds: list[tuple[str, str, str, Callable[[Part], dict[str, float]]]] = [
        ("eigenvalues", "Largest Hessian eigenvalues", "curvature (nats per squared unit of weight)", eigenvalues),
        ("trace", "Trace of the Hessian", "sum of all curvatures", mean_of("trace", "trace")),
        ("input-gradient", "Input gradient", "l2 norm (nats per unit of embedding)", mean_of("input_gradient", "mean")),
    ]
    captions = {
        "eigenvalues": "Along the directions of largest curvature of the loss; smaller is flatter.",
        "trace": "Hutchinson's estimate; smaller is flatter. Lines: two standard errors.",
        "input-gradient": "Mean norm of the gradient of the loss at the token embeddings of an example; adversarial "
        "training makes it small. Lines: two standard errors.",
    }
    drawn = []
    for name, title, unit, read in kinds:
        lengths: dict[str, dict[str, float]] = {}
        intervals: dict[str, dict[str, tuple[float, float]]] = {}
        for group, part in parts.items():
            error = part.get(name.replace("-", "_"), {}).get("standard_error") if name != "eigenvalues" else None
            for item, value in read(part).items():
                lengths.setdefault(item, {})[group.label] = value
                if error is not None and np.isfinite(error):
                    intervals.setdefault(item, {})[group.label] = (value - 2 * error, value + 2 * error)
        if not lengths:
            continue
        figure, marks = bars(list(parts), lengths, unit, digits=3, intervals=intervals)
        headings, rows = bar_rows(list(parts), lengths, 4)
        drawn.append(
            Chart(
                name=f"landscape-{name}",
                title=title,
                alt=f"Bars of {unit}. {in_words(list(parts), lengths, 4)}.",
                caption=captions[name],
                figure=figure,
                headings=headings,
                rows=rows,
                marks=marks,
            )
        )
    return drawn


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
