"""Several attacks on the embeddings of one run: whichever leaves least accuracy is the one to believe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.style import canvas, epsilon_axis, legend, look
from uegr.report.run_groups import Group
from uegr.runs.run_result import robust_curve


def embedding_attack_charts(groups: Sequence[Group]) -> list[Chart]:
    """For each group that was attacked further: one curve an attack, beside the one of `uegr evaluate`."""
    return [_chart(group, found) for group in groups if (found := group.first.get("embedding_attacks"))]


def _chart(group: Group, further: list[dict[str, Any]]) -> Chart:
    evaluated = group.first["robustness"]
    alike = [one for one in further if (one["norm"], one["relative"]) == (evaluated["norm"], evaluated["relative"])]
    curves = {_name(one): one for one in [evaluated, *alike]}
    figure, axes = canvas(3.2)
    marks: list[Mark] = []
    cells: dict[float, dict[str, str]] = {}
    spent = []
    for at, (name, part) in enumerate(curves.items()):
        _, epsilons, values = robust_curve({"robustness": part})
        percent = [100 * one for one in values]
        axes.plot(epsilons, percent, **look(at), clip_on=False)
        for epsilon, value in zip(epsilons, percent, strict=True):
            marks.append(Mark(axes, epsilon, value, f"{name}: {value:.1f} % at epsilon {epsilon:g}"))
            cells.setdefault(epsilon, {})[name] = f"{value:.1f}"
        if "queries" in part:
            spent.append(f"{name} {part['queries']:.0f}")
    epsilon_axis(axes, evaluated["norm"], evaluated["relative"])
    axes.set_ylabel("accuracy under attack (%)")
    axes.set_ylim(0, 100)
    axes.set_xlim(left=0)
    legend(figure, [(name, look(at)) for at, name in enumerate(curves)])
    last = {name: robust_curve({"robustness": part})[2][-1] for name, part in curves.items()}
    told = ", ".join(f"{name} {100 * value:.0f} %" for name, value in last.items())
    return Chart(
        name=f"attacks-{group.at}",
        title=f"Attacks on the embeddings: {group.label}",
        alt=f"Accuracy against epsilon, one curve an attack. At the largest epsilon: {told}.",
        caption=(
            f"{group.label}, {group.seeds}. The lowest curve is the one to believe; a black box or a transfer below "
            "the white box suggests masked gradients."
            + (f" Queries an example, a forward or a backward pass each: {', '.join(spent)}." if spent else "")
        ),
        figure=figure,
        headings=["epsilon", *(f"{name} (%)" for name in curves)],
        rows=[[f"{one:g}", *(cells[one].get(name, "–") for name in curves)] for one in sorted(cells)],
        marks=marks,
    )


def _name(part: dict[str, Any]) -> str:
    details = [f"{part[name]} {name}" for name in ("steps", "restarts") if name in part]
    source = f"from {part['source']}" if "source" in part else ""
    inside = ", ".join(one for one in [source, *details] if one)
    return f"{part['attack']} ({inside})" if inside else str(part["attack"])
