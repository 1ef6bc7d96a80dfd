"""Where in the model the saliency lies, layer by layer: over the training, and at its end."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.style import HEAT, canvas, heat_bar
from uegr.report.run_groups import Group, analysed
from uegr.runs.training_log import logged, series

PREFIX = "saliency/"
LABELS = 8
"""At most so many columns are named."""


def saliency_charts(groups: Sequence[Group]) -> list[Chart]:
    """Layers against steps for each group that selects by saliency, and layers against groups after the training."""
    training = [_training(group, names) for group in groups if (names := logged(group.first, PREFIX))]
    final = _final(analysed(groups, "saliency"))
    return [*training, *([final] if final else [])]


def _training(group: Group, names: Sequence[str]) -> Chart:
    steps = series(group.first, names[0])[0]
    values = np.array([series(group.first, name)[1] for name in names])
    layers = _short([name.removeprefix(PREFIX) for name in names])
    columns = [f"step {step}" for step in steps]
    figure, axes, marks = _heat_map(layers, columns, values)
    every = -(-len(steps) // LABELS)
    axes.set_xticks((np.arange(len(steps)) + 0.5)[::every], [str(step) for step in steps[::every]])
    axes.set_xlabel("training step")
    last = values[:, -1]
    return Chart(
        name=f"saliency-{group.at}",
        title=f"Saliency by layer: {group.label}",
        alt=(
            f"Heat map of mean saliency, layers against training steps. At step {steps[-1]} it is highest in "
            f"{layers[int(last.argmax())]} ({last.max():.2g}) and lowest in {layers[int(last.argmin())]} "
            f"({last.min():.2g})."
        ),
        caption=(
            f"{group.label}, {group.seeds}. Mean score of a layer's elements, on a logarithmic scale, at each renewal "
            "of the ranks that was logged; the task's head is always updated and has no score."
        ),
        figure=figure,
        headings=["layer", *columns],
        rows=[[layer, *(f"{one:.3g}" for one in row)] for layer, row in zip(layers, values, strict=True)],
        marks=marks,
    )


def _final(parts: dict[Group, dict[str, Any]]) -> Chart | None:
    if not parts:
        return None
    found = {group: _by_layer(part["parameters"]) for group, part in parts.items()}
    names = list(dict.fromkeys(layer for one in found.values() for layer in one))
    values = np.array([[one.get(name, np.nan) for one in found.values()] for name in names])
    layers, columns = _short(names), [group.label for group in found]
    figure, axes, marks = _heat_map(layers, columns, values)
    axes.set_xticks(np.arange(len(columns)) + 0.5, [textwrap.shorten(one, 22, placeholder="…") for one in columns])
    axes.set_xlabel("run")
    told = "; ".join(
        f"{column}: highest in {layers[int(np.nanargmax(values[:, at]))]} ({np.nanmax(values[:, at]):.2g})"
        for at, column in enumerate(columns)
    )
    return Chart(
        name="saliency-final",
        title="Saliency by layer after training",
        alt=f"Heat map of mean saliency, layers against runs. {told}.",
        caption=(
            "Mean squared gradient of a layer's elements, on a logarithmic scale, at the end of the training, on "
            f"{next(iter(parts.values()))['examples']} examples."
        ),
        figure=figure,
        headings=["layer", *columns],
        rows=[[layer, *(f"{one:.3g}" for one in row)] for layer, row in zip(layers, values, strict=True)],
        marks=marks,
    )


def _by_layer(parameters: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Mean over a layer's elements, from the means over its parameters'."""
    sums: dict[str, list[float]] = {}
    for one in parameters:
        total = sums.setdefault(one["layer"], [0.0, 0.0])
        total[0] += one["saliency"] * one["elements"]
        total[1] += one["elements"]
    return {layer: total / count for layer, (total, count) in sums.items()}


def _heat_map(
    layers: Sequence[str], columns: Sequence[str], values: NDArray[np.float64]
) -> tuple[Figure, Axes, list[Mark]]:
    """Values (layers, columns) on a logarithmic scale; what is not above 0 stays blank."""
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


def _short(layers: list[str]) -> list[str]:
    """The names without the modules that all of them begin with."""
    paths = [layer.split(".") for layer in layers]
    shared = 0
    while all(len(path) > shared + 1 and path[shared] == paths[0][shared] for path in paths):
        shared += 1
    return [textwrap.shorten(".".join(path[shared:]), 24, placeholder="…") for path in paths]
