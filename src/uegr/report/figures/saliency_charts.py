"""Mean saliency of each layer: over the training, and at its end."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from uegr.backward.selection_log import SALIENCY
from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.style import HEAT, canvas, heat_bar
from uegr.report.run_groups import Group, analysed

LABELS = 8
"""At most this number of columns has a label."""


def charts(groups: Sequence[Group]) -> list[Chart]:
    """Layers against steps for each group that selects by saliency, and layers against groups after the training."""
    training = [_training(group, names) for group in groups if (names := group.first.logged(SALIENCY))]
    final = _final(analysed(groups, "saliency"))
    return [*training, *([final] if final else [])]


def _training(group: Group, names: Sequence[str]) -> Chart:
    steps = group.first.series(names[0])[0]
    values = np.array([group.first.series(name)[1] for name in names])
    layers = _short([name.removeprefix(SALIENCY) for name in names])
    columns = [f"step {step}" for step in steps]
    figure, axes, marks = _heat_map(layers, columns, values)
    every = -(-len(steps) // LABELS)
    axes.set_xticks((np.arange(len(steps)) + 0.5)[::every], [str(step) for step in steps[::every]])
    axes.set_xlabel("training step")
    last = values[:, -1]
    return Chart(
        name=f"saliency-{group.index}",
        title=f"Saliency by layer: {group.label}",
        alt=(
            f"Heat map of mean saliency, layers against training steps. At step {steps[-1]} it is highest in "
            f"{layers[int(last.argmax())]} ({last.max():.2g}) and lowest in {layers[int(last.argmin())]} "
            f"({last.min():.2g})."
        ),
        caption=(
            f"{group.label}, {group.seeds}. Mean score of a layer's elements, on a logarithmic scale, whenever the "
            "ranks were computed and logged. The task's head is always updated and has no score."
        ),
        figure=figure,
        headings=["layer", *columns],
        rows=_rows(layers, values),
        marks=marks,
    )


def _final(parts: dict[Group, dict[str, Any]]) -> Chart | None:
    if not parts:
        return None
    means = {group: _by_layer(part["parameters"]) for group, part in parts.items()}
    names = list(dict.fromkeys(layer for by_layer in means.values() for layer in by_layer))
    values = np.array([[by_layer.get(name, np.nan) for by_layer in means.values()] for name in names])
    layers, columns = _short(names), [group.label for group in means]
    figure, axes, marks = _heat_map(layers, columns, values)
    axes.set_xticks(
        np.arange(len(columns)) + 0.5, [textwrap.shorten(column, 22, placeholder="…") for column in columns]
    )
    axes.set_xlabel("run")
    maxima = "; ".join(
        f"{column}: highest in {layers[int(np.nanargmax(values[:, i]))]} ({np.nanmax(values[:, i]):.2g})"
        for i, column in enumerate(columns)
    )
    return Chart(
        name="saliency-final",
        title="Saliency by layer after training",
        alt=f"Heat map of mean saliency, layers against runs. {maxima}.",
        caption=(
            "Mean squared gradient of a layer's elements, on a logarithmic scale, at the end of the training, on "
            f"{next(iter(parts.values()))['examples']} examples."
        ),
        figure=figure,
        headings=["layer", *columns],
        rows=_rows(layers, values),
        marks=marks,
    )


def _by_layer(parameters: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the mean over the elements of each layer, from the means over its parameters."""
    sums: dict[str, list[float]] = {}
    for parameter in parameters:
        total = sums.setdefault(parameter["layer"], [0.0, 0.0])
        total[0] += parameter["saliency"] * parameter["elements"]
        total[1] += parameter["elements"]
    return {layer: total / count for layer, (total, count) in sums.items()}


def _heat_map(
    layers: Sequence[str], columns: Sequence[str], values: NDArray[np.float64]
) -> tuple[Figure, Axes, list[Mark]]:
    """Draw values (layers, columns) on a logarithmic scale; cells that are not above 0 stay blank."""
    figure, axes = canvas(1.7 + 0.24 * len(layers))
    positive = values[values > 0]
    scale = LogNorm(positive.min(), positive.max()) if len(positive) and positive.min() < positive.max() else None
    mesh = axes.pcolormesh(np.ma.masked_less_equal(values, 0), cmap=HEAT, norm=scale, edgecolors="face", linewidth=0.2)
    axes.set_yticks(np.arange(len(layers)) + 0.5, layers)
    axes.invert_yaxis()
    axes.grid(visible=False)
    heat_bar(figure, mesh, axes, "mean saliency")
    marks = [
        Mark(axes, column + 0.5, row + 0.5, f"{layers[row]}, {columns[column]}: {values[row, column]:.3g}")
        for row, column in np.ndindex(*values.shape)
        if np.isfinite(values[row, column])
    ]
    return figure, axes, marks


def _rows(layers: Sequence[str], values: NDArray[np.float64]) -> list[list[str]]:
    return [[layer, *(f"{value:.3g}" for value in row)] for layer, row in zip(layers, values, strict=True)]


def _short(layers: list[str]) -> list[str]:
    """Return the names without the modules that all of them begin with."""
    paths = [layer.split(".") for layer in layers]
    shared = 0
    while all(len(path) > shared + 1 and path[shared] == paths[0][shared] for path in paths):
        shared += 1
    return [textwrap.shorten(".".join(path[shared:]), 24, placeholder="…") for path in paths]
