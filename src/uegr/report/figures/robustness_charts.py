"""The robustness curve (the paper's Figure 2(b)): the metric of a model against the epsilon of the attack."""

from collections.abc import Sequence

import numpy as np

from uegr.evaluation.area_under_curve import curve_area
from uegr.evaluation.statistics import estimate
from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.style import canvas, epsilon_axis, legend, look
from uegr.report.run_groups import Group, wilson


def charts(groups: Sequence[Group]) -> list[Chart]:
    """Accuracy, or the task's metric, against epsilon: one curve per group, with a 95 % interval.

    The interval of a group of several seeds is Student's over the seeds. That of a single run is Wilson's over the
    attacked examples, and exists for accuracies only.
    """
    figure, axes = canvas(3.4)
    marks: list[Mark] = []
    cells: dict[float, dict[str, str]] = {}
    sentences = []
    end = min(group.first.robustness.epsilons[-1] for group in groups)
    for group in groups:
        epsilons = group.first.robustness.epsilons
        values = np.array([run.robustness.values for run in group.runs])
        mean = values.mean(axis=0)
        bounds = _bounds(group, values)
        style = look(group.index)
        axes.fill_between(epsilons, *(100 * side for side in bounds), color=style["color"], alpha=0.15, linewidth=0)
        axes.plot(epsilons, 100 * mean, **style, clip_on=False)
        for epsilon, middle, low, high in zip(epsilons, 100 * mean, *(100 * side for side in bounds), strict=True):
            interval = f" ({low:.1f} – {high:.1f})" if high > low else ""
            cells.setdefault(epsilon, {})[group.label] = f"{middle:.1f}{interval}"
            text = f"{group.label}: {middle:.1f} %{interval} at epsilon {epsilon:g}"
            marks.append(Mark(axes, epsilon, middle, text))
        area = 100 * np.mean([curve_area(epsilons, list(row), end) for row in values])
        cells.setdefault(np.inf, {})[group.label] = f"{area:.1f}"
        sentences.append(f"{group.label} falls from {100 * mean[0]:.0f} to {100 * mean[-1]:.0f} %, area {area:.1f} %")
    curve = groups[0].first.robustness
    epsilon_axis(axes, curve.norm, curve.relative)
    metric = " / ".join(dict.fromkeys(group.first.robustness.metric for group in groups)).replace("_", " ")
    axes.set_ylabel(f"{metric} under attack (%)")
    bottom = min(0.0, *(float(mark.y) for mark in marks))  # a correlation can be negative
    axes.set_ylim(bottom, 100)
    axes.set_xlim(left=0)
    legend(figure, [(group.label, look(group.index)) for group in groups])
    labels = [group.label for group in groups]
    chart = Chart(
        name="robustness",
        title="Robustness curve",
        alt=f"{metric.capitalize()} under attack against epsilon: {'; '.join(sentences)}.",
        caption=_caption(groups, end),
        figure=figure,
        headings=["epsilon", *(f"{label} (%)" for label in labels)],
        rows=[
            [
                f"area, 0 to {end:g}" if epsilon == np.inf else f"{epsilon:g}",
                *(cells[epsilon].get(label, "–") for label in labels),
            ]
            for epsilon in sorted(cells)
        ],
        marks=marks,
    )
    return [chart]


def _bounds(group: Group, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return lower and upper ends of the interval at each epsilon; values has shape (seeds, epsilons)."""
    curve = group.first.robustness
    if len(group.runs) > 1:
        pairs = [(mean.low, mean.high) for mean in map(estimate, values.T)]
    elif curve.metric == "accuracy":  # only a share of examples has Wilson's interval
        pairs = [wilson(value, curve.examples) for value in values[0]]
    else:
        pairs = [(value, value) for value in values[0]]
    low, high = np.array(pairs).T
    return low, high


def _caption(groups: Sequence[Group], end: float) -> str:
    curve = groups[0].first.robustness
    details = [f"{value} {name}" for name, value in curve.settings("steps", "restarts", "examples").items()]
    bands = []
    if any(len(group.runs) > 1 for group in groups):
        bands.append("for several seeds Student's over the seeds")
    if any(len(group.runs) == 1 for group in groups):
        bands.append("for one run Wilson's over its attacked examples")
    return (
        f"Attack: {curve.attack}{' (' + ', '.join(details) + ')' if details else ''}. An example counts as robust "
        "only if no restart, no step and no smaller epsilon fooled the model. Bands: 95 % intervals, "
        f"{', '.join(bands)}. Area: mean height of the curve between 0 and {end:g}."
    )
