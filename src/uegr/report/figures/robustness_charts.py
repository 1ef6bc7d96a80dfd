"""The robustness curve (the paper's Figure 2(b)): the metric of a model against the epsilon of the attack."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from uegr.evaluation.area_under_curve import curve_area, shared_range
from uegr.evaluation.statistics import estimate
from uegr.modeling.metrics import METRICS
from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.style import canvas, epsilon_axis, legend, look
from uegr.report.run_groups import Group, wilson


class Curve(NamedTuple):
    """The mean curve of a group in percent, with its 95 % interval at each epsilon, and the area under it."""

    group: Group
    epsilons: list[float]
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    area: float


def charts(groups: Sequence[Group]) -> list[Chart]:
    """One figure for each attack: an epsilon of another norm, or more steps, cannot be compared."""
    drawn, rest = [], list(groups)
    while rest:
        curve = rest[0].first.robustness
        drawn.append(_chart([group for group in rest if group.first.robustness.same_attack(curve)]))
        rest = [group for group in rest if not group.first.robustness.same_attack(curve)]
    return drawn


def _chart(groups: Sequence[Group]) -> Chart:
    """Accuracy, or the task's metric, against epsilon: one curve per group, with a 95 % interval.

    The interval of a group of several seeds is Student's over the seeds. That of a single run is Wilson's over the
    attacked examples, and exists for accuracies only.
    """
    start, end = shared_range([group.first.robustness.epsilons for group in groups])
    curves = [_curve(group, start, end) for group in groups]
    figure, axes = canvas(3.4)
    marks: list[Mark] = []
    cells: dict[float, dict[str, str]] = {}
    for group, epsilons, mean, low, high, _ in curves:
        style = look(group.index)
        axes.fill_between(epsilons, low, high, color=style["color"], alpha=0.15, linewidth=0)
        axes.plot(epsilons, mean, **style, clip_on=False)
        for epsilon, y, lower, upper in zip(epsilons, mean, low, high, strict=True):
            interval = f" ({lower:.1f} – {upper:.1f})" if upper > lower else ""
            cells.setdefault(epsilon, {})[group.label] = f"{y:.1f}{interval}"
            marks.append(Mark(axes, epsilon, y, f"{group.label}: {y:.1f} %{interval} at epsilon {epsilon:g}"))
    first = groups[0].first.robustness
    epsilon_axis(axes, first.norm, first.relative)
    metric = " / ".join(dict.fromkeys(group.first.robustness.metric for group in groups)).replace("_", " ")
    axes.set_ylabel(f"{metric} under attack (%)")
    axes.set_ylim(min(0.0, *(float(mark.y) for mark in marks)), 100)  # a correlation can be negative
    axes.set_xlim(left=0)
    legend(figure, [(group.label, look(group.index)) for group in groups])
    rows = [[f"{epsilon:g}", *(cells[epsilon].get(group.label, "–") for group in groups)] for epsilon in sorted(cells)]
    changes = [
        f"{curve.group.label} {_change(curve.mean)}" + (f", area {curve.area:.1f} %" if start <= end else "")
        for curve in curves
    ]
    if start <= end:
        rows.append([f"area, {start:g} to {end:g}", *(f"{curve.area:.1f}" for curve in curves)])
    is_first = groups[0].index == 0
    return Chart(
        name="robustness" if is_first else f"robustness-{groups[0].index}",
        title="Robustness curve" + ("" if is_first else f": {', '.join(group.label for group in groups)}"),
        alt=f"{metric.capitalize()} under attack against epsilon: {'; '.join(changes)}.",
        caption=_caption(groups, start, end),
        figure=figure,
        headings=["epsilon", *(f"{group.label} (%)" for group in groups)],
        rows=rows,
        marks=marks,
    )


def _change(mean: np.ndarray) -> str:
    """How the curve goes from its first value to its last."""
    first, last = f"{mean[0]:.0f}", f"{mean[-1]:.0f}"
    if first == last:
        return f"stays at {last} %"
    return f"{'falls' if mean[-1] < mean[0] else 'rises'} from {first} to {last} %"


def _curve(group: Group, start: float, end: float) -> Curve:
    """Return the curve of a group, with the area under it between two epsilons."""
    epsilons = group.first.robustness.epsilons
    values = np.array([run.robustness.values for run in group.runs])
    low, high = _bounds(group, values)
    area = 100 * float(np.mean([curve_area(epsilons, list(row), end, start) for row in values]))
    return Curve(group, epsilons, 100 * values.mean(axis=0), 100 * low, 100 * high, area)


def _bounds(group: Group, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return lower and upper ends of the interval at each epsilon; values has shape (seeds, epsilons)."""
    curve = group.first.robustness
    if len(group.runs) > 1:
        pairs = [METRICS[curve.metric].clip((mean.low, mean.high)) for mean in map(estimate, values.T)]
    elif curve.metric == "accuracy":  # only a share of examples has Wilson's interval
        pairs = [wilson(value, curve.examples) for value in values[0]]
    else:
        pairs = [(value, value) for value in values[0]]
    low, high = np.array(pairs).T
    return low, high


def _caption(groups: Sequence[Group], start: float, end: float) -> str:
    curve = groups[0].first.robustness
    details = [f"{value} {name}" for name, value in curve.settings("steps", "restarts", "examples").items()]
    bands = []
    if any(len(group.runs) > 1 for group in groups):
        bands.append("for several seeds Student's over the seeds")
    if any(len(group.runs) == 1 for group in groups):
        bands.append("for one run Wilson's over its attacked examples")
    area = f" Area: mean height of the curve between {start:g} and {end:g}." if start <= end else ""
    return (
        f"Attack: {curve.attack}{' (' + ', '.join(details) + ')' if details else ''}. An example counts as robust "
        "only if no restart, no step and no smaller epsilon fooled the model. Bands: 95 % intervals, "
        f"{', '.join(bands)}.{area}"
    )
