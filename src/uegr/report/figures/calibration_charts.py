"""Does the model know when it is right: the reliability diagram and the risk-coverage curve."""

from __future__ import annotations

from collections.abc import Sequence

from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.style import INK, canvas, legend, look
from uegr.report.run_groups import Group, analysed


def reliability_chart(groups: Sequence[Group]) -> Chart | None:
    """Accuracy against confidence over bins of confidence, and below it the share of examples in each bin."""
    parts = analysed(groups, "calibration")
    if not parts:
        return None
    figure, (axes, counts) = canvas(4.3, nrows=2, sharex=True, height_ratios=[3, 1])
    axes.plot([0, 100], [0, 100], color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
    marks, rows, told = [], [], []
    for at, (group, part) in enumerate(parts.items()):
        style, filled = look(group.at), [one for one in part["bins"] if one["count"]]
        total = sum(one["count"] for one in filled)
        x = [100 * one["confidence"] for one in filled]
        y = [100 * one["accuracy"] for one in filled]
        axes.plot(x, y, **style, clip_on=False)
        for one, confidence, accuracy in zip(filled, x, y, strict=True):
            text = f"{group.label}: {accuracy:.1f} % right at confidence {confidence:.1f} % ({one['count']} examples)"
            marks.append(Mark(axes, confidence, accuracy, text))
            span = f"{100 * one['low']:.0f} – {100 * one['high']:.0f}"
            rows.append([span, group.label, str(one["count"]), f"{confidence:.1f}", f"{accuracy:.1f}"])
        width = [(one["high"] - one["low"]) * 100 / len(parts) for one in filled]
        left = [100 * one["low"] + at * step for one, step in zip(filled, width, strict=True)]
        share = [100 * one["count"] / total for one in filled]
        counts.bar(left, share, width=[0.9 * one for one in width], align="edge", color=style["color"])
        told.append(f"{group.label}: ECE {part['ece']:.3f}, Brier {part['brier']:.3f}")
    axes.set_ylabel("accuracy (%)")
    axes.set_ylim(0, 100)
    lowest = min(mark.x for mark in marks)
    axes.set_xlim(min(45.0, lowest - 5), 100)
    counts.set_ylabel("examples (%)")
    counts.set_xlabel("confidence (%)")
    legend(figure, [(group.label, look(group.at)) for group in parts])
    examples = next(iter(parts.values()))["examples"]
    return Chart(
        name="reliability",
        title="Reliability diagram",
        alt=f"Accuracy against confidence, with the diagonal of perfect calibration. {'; '.join(told)}.",
        caption=(
            f"{'; '.join(told)}. Below the dashed line a model is surer than it is right. Bars: share of the "
            f"{examples} examples in each bin. ECE in [0, 1], Brier in [0, 2]; both better when smaller."
        ),
        figure=figure,
        headings=["confidence (%)", "run", "examples", "mean confidence (%)", "accuracy (%)"],
        rows=rows,
        marks=marks,
    )


def selective_chart(groups: Sequence[Group]) -> Chart | None:
    """Error rate among the most confident examples, against how many of them there are."""
    parts = analysed(groups, "selective")
    if not parts:
        return None
    figure, axes = canvas(3.2)
    marks, told = [], []
    cells: dict[str, dict[str, str]] = {}
    for group, part in parts.items():
        coverage, risk = ([100 * one for one in part[name]] for name in ("coverage", "risk"))
        every = max(1, len(coverage) // 20)
        axes.plot(coverage, risk, **look(group.at), markevery=every, clip_on=False)
        for at in {*range(0, len(coverage), every), len(coverage) - 1}:
            x, y = coverage[at], risk[at]
            marks.append(Mark(axes, x, y, f"{group.label}: {y:.1f} % wrong among the surest {x:.0f} %"))
            cells.setdefault(f"{x:.0f}", {})[group.label] = f"{y:.1f}"
        oracle = f", {part['aurc_oracle']:.3f} at best" if "aurc_oracle" in part else ""
        told.append(f"{group.label}: area {part['aurc']:.3f}{oracle}")
    axes.set_xlabel("coverage: examples answered, surest first (%)")
    axes.set_ylabel("risk: answers wrong (%)")
    axes.set_xlim(0, 100)
    axes.set_ylim(bottom=0)
    legend(figure, [(group.label, look(group.at)) for group in parts])
    return Chart(
        name="selective",
        title="Risk and coverage",
        alt=f"Error rate against coverage, surest examples first. {'; '.join(told)}.",
        caption=(
            f"What answering only the surest examples buys. Area under the curve, smaller is better: {'; '.join(told)} "
            "(every error ranked last)."
        ),
        figure=figure,
        headings=["coverage (%)", *(f"{group.label}: risk (%)" for group in parts)],
        rows=[[share, *(cells[share].get(group.label, "–") for group in parts)] for share in sorted(cells, key=float)],
        marks=marks,
    )
