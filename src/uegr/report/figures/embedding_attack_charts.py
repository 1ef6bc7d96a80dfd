"""Several attacks on the embeddings of one run; the lowest curve is the best estimate of the robustness."""

from collections.abc import Sequence

from uegr.report.figures.chart import Chart
from uegr.report.figures.curve_chart import Line, draw_curves
from uegr.report.figures.style import epsilon_axis
from uegr.report.run_groups import Group
from uegr.runs.result_parts import RobustnessCurve


def charts(groups: Sequence[Group]) -> list[Chart]:
    """For each group with further attacks: one curve per attack, beside the curve of `uegr evaluate`."""
    return [_chart(group) for group in groups if group.first.embedding_attacks]


def _chart(group: Group) -> Chart:
    evaluated = group.first.robustness
    comparable = [curve for curve in group.first.embedding_attacks if curve.same_ball(evaluated)]
    curves = {_name(curve): curve for curve in [evaluated, *comparable]}
    last = ", ".join(f"{name} {100 * curve.values[-1]:.0f} %" for name, curve in curves.items())
    queries = ", ".join(f"{name} {curve.queries:.0f}" for name, curve in curves.items() if curve.queries is not None)
    lines = [
        Line(name, i, curve.epsilons, [100 * value for value in curve.values])
        for i, (name, curve) in enumerate(curves.items())
    ]
    chart = draw_curves(
        lines,
        "epsilon",
        "accuracy under attack (%)",
        name=f"attacks-{group.index}",
        title=f"Attacks on the embeddings: {group.label}",
        alt=f"Accuracy against epsilon, one curve per attack. At the largest epsilon: {last}.",
        caption=(
            f"{group.label}, {group.seeds}. The lowest curve is the best estimate of the robustness. A black-box or "
            "transfer attack below the white-box attacks suggests masked gradients."
            + (f" Queries per example, one per forward or backward pass: {queries}." if queries else "")
        ),
        place="{:g}",
        number="{:.1f}",
    )
    axes = chart.figure.axes[0]
    epsilon_axis(axes, evaluated.norm, evaluated.relative)
    axes.set(xlim=(0, None), ylim=(0, 100))
    return chart


def _name(curve: RobustnessCurve) -> str:
    details = [f"from {curve.options['source']}"] if "source" in curve.options else []
    details += [f"{value} {name}" for name, value in curve.settings("steps", "restarts").items()]
    return f"{curve.title} ({', '.join(details)})" if details else curve.title
