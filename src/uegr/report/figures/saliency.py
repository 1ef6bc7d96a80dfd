"""Where in the model the saliency lies, layer by layer, over the training."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LogNorm

from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.style import HEAT, canvas, heat_bar
from uegr.report.groups import Group
from uegr.report.training_log import logged, series

PREFIX = "saliency/"


def saliency_charts(groups: Sequence[Group]) -> list[Chart]:
    """A heat map of layers against steps for each group that selects by saliency."""
    return [_chart(group, names) for group in groups if (names := logged(group.first, PREFIX))]


def _chart(group: Group, names: Sequence[str]) -> Chart:
    steps = series(group.first, names[0])[0]
    values = np.array([series(group.first, name)[1] for name in names])
    layers = _short([name.removeprefix(PREFIX) for name in names])
    positive = values[values > 0]
    height = 1.6 + 0.24 * len(layers)
    figure, axes = canvas(height)
    scale = LogNorm(positive.min(), positive.max()) if len(positive) and positive.min() < positive.max() else None
    mesh = axes.pcolormesh(np.ma.masked_less_equal(values, 0), cmap=HEAT, norm=scale, edgecolors="face", linewidth=0.2)
    axes.set_xticks(np.arange(len(steps)) + 0.5, [str(step) for step in steps])
    if len(steps) > 8:
        every = -(-len(steps) // 8)
        axes.set_xticks((np.arange(len(steps)) + 0.5)[::every], [str(step) for step in steps[::every]])
    axes.set_yticks(np.arange(len(layers)) + 0.5, layers)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set_xlabel("training step")
    heat_bar(figure, mesh, axes, "mean saliency")
    marks = [
        Mark(axes, column + 0.5, row + 0.5, f"{layers[row]}: {values[row, column]:.3g} at step {steps[column]}")
        for row in range(len(layers))
        for column in range(len(steps))
    ]
    last = values[:, -1]
    return Chart(
        name=f"saliency-{group.at}",
        title=f"Saliency by layer: {group.label}",
        alt=(
            f"Heat map of mean saliency, layers against training steps. At step {steps[-1]} it is highest in "
            f"{layers[int(last.argmax())]} ({last.max():.2g}) and lowest in "
            f"{layers[int(last.argmin())]} ({last.min():.2g})."
        ),
        caption=(
            f"{group.label}, {group.seeds}. Mean score of a layer's elements, on a logarithmic scale, at each "
            "renewal of the ranks that was logged; the task's head is always updated and has no score."
        ),
        figure=figure,
        headings=["layer", *(f"step {step}" for step in steps)],
        rows=[[layer, *(f"{one:.3g}" for one in row)] for layer, row in zip(layers, values, strict=True)],
        marks=marks,
    )


def _short(layers: list[str]) -> list[str]:
    """The names without the modules that all of them begin with."""
    paths = [layer.split(".") for layer in layers]
    shared = 0
    while all(len(path) > shared + 1 and path[shared] == paths[0][shared] for path in paths):
        shared += 1
    return [textwrap.shorten(".".join(path[shared:]), 24, placeholder="…") for path in paths]
