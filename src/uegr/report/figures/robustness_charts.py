"""The robustness curve (the paper's Figure 2(b)): how much is left of a model as the adversary grows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from uegr.evaluation.curve_area import curve_area
from uegr.evaluation.statistics import estimate
from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.style import canvas, epsilon_axis, legend, look
from uegr.report.run_groups import Group, wilson
from uegr.runs.run_result import robust_curve


def robustness_chart(groups: Sequence[Group]) -> Chart:
    """Accuracy, or the task's metric, against epsilon: one curve a group, with a 95 % interval.

    The interval of a group of several seeds is Student's over the seeds; that of a single run is Wilson's over the
    attacked examples, and exists for accuracies only.
    """
    figure, axes = canvas(3.4)
    marks: list[Mark] = []
    cells: dict[float, dict[str, str]] = {}
    told = []
    end = min(robust_curve(group.first)[1][-1] for group in groups)
    for group in groups:
        name, epsilons, _ = robust_curve(group.first)
        values = np.array([robust_curve(run)[2] for run in group.runs])
        mean = values.mean(axis=0)
        bounds = _bounds(group, name, values)
        style = look(group.at)
        axes.fill_between(epsilons, *(100 * side for side in bounds), color=style["color"], alpha=0.15, linewidth=0)
        axes.plot(epsilons, 100 * mean, **style, clip_on=False)
        for epsilon, middle, low, high in zip(epsilons, 100 * mean, *(100 * side for side in bounds), strict=True):
            interval = f" ({low:.1f} – {high:.1f})" if high > low else ""
            cells.setdefault(epsilon, {})[group.label] = f"{middle:.1f}{interval}"
            text = f"{group.label}: {middle:.1f} %{interval} at epsilon {epsilon:g}"
            marks.append(Mark(axes, epsilon, middle, text))
        area = np.mean([curve_area(epsilons, list(run), end) for run in values])
        cells.setdefault(np.inf, {})[group.label] = f"{100 * area:.1f}"
        told.append(f"{group.label} falls from {100 * mean[0]:.0f} to {100 * mean[-1]:.0f} %, area {100 * area:.1f} %")
    curve = groups[0].first["robustness"]
    epsilon_axis(axes, curve["norm"], curve["relative"])
    shown = " / ".join(dict.fromkeys(robust_curve(group.first)[0] for group in groups)).replace("_", " ")
    axes.set_ylabel(f"{shown} under attack (%)")
    bottom = min(0.0, *(float(mark.y) for mark in marks))  # a correlation can be negative
    axes.set_ylim(bottom, 100)
    axes.set_xlim(left=0)
    legend(figure, [(group.label, look(group.at)) for group in groups])
    labels = [group.label for group in groups]
    return Chart(
        name="robustness",
        title="Robustness curve",
        alt=f"{shown.capitalize()} under attack against epsilon: {'; '.join(told)}.",
        caption=_caption(groups, end),
        figure=figure,
        headings=["epsilon", *(f"{one} (%)" for one in labels)],
        rows=[
            [
                f"area, 0 to {end:g}" if epsilon == np.inf else f"{epsilon:g}",
                *(cells[epsilon].get(one, "–") for one in labels),
            ]
            for epsilon in sorted(cells)
        ],
        marks=marks,
    )


def _bounds(group: Group, name: str, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends of the interval at each epsilon; values has shape (seeds, epsilons)."""
    if len(group.runs) > 1:
        estimates = [estimate(column) for column in values.T]
        pairs = [(one.low, one.high) for one in estimates]
    elif name == "accuracy":  # only a share of examples has Wilson's interval
        pairs = [wilson(one, group.first["robustness"].get("examples")) for one in values[0]]
    else:
        pairs = [(one, one) for one in values[0]]
    low, high = np.array(pairs).T
    return low, high


def _caption(groups: Sequence[Group], end: float) -> str:
    curve = groups[0].first["robustness"]
    details = [f"{curve[name]} {name}" for name in ("steps", "restarts", "examples") if name in curve]
    bands = []
    if any(len(group.runs) > 1 for group in groups):
        bands.append("of several seeds, Student's over the seeds")
    if any(len(group.runs) == 1 for group in groups):
        bands.append("of one run, Wilson's over its attacked examples")
    passes = {group.label: group.first["robustness"].get("forward_passes") for group in groups}
    spent = "; ".join(f"{name} {count:.0f}" for name, count in passes.items() if count is not None)
    return (
        f"Attack: {curve['attack']}{' (' + ', '.join(details) + ')' if details else ''}. An example counts as robust "
        f"only if no restart, no step and no smaller epsilon fooled the model. Bands: 95 % intervals, "
        f"{', '.join(bands)}. "
        f"Area: mean height of the curve between 0 and {end:g}."
        + (f" Forward passes an example: {spent}." if spent else "")
    )
