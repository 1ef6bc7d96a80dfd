"""The reliability diagram: accuracy against confidence."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.style import INK, canvas, legend, look
from uegr.report.run_groups import Group, analysed


def charts(groups: Sequence[Group]) -> list[Chart]:
    """Accuracy against confidence over bins of confidence, and below it the share of examples in each bin."""
    parts = analysed(groups, "calibration")
    if not parts:
        return []
    figure, (axes, counts) = canvas(4.3, nrows=2, sharex=True, height_ratios=[3, 1])
    axes.plot([0, 100], [0, 100], color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
    marks, rows = [], []
    for position, (group, part) in enumerate(parts.items()):
        style, filled = look(group.index), [interval for interval in part["bins"] if interval["count"]]
        x = [100 * interval["confidence"] for interval in filled]
        y = [100 * interval["accuracy"] for interval in filled]
        axes.plot(x, y, **style, clip_on=False)
        for interval, confidence, accuracy in zip(filled, x, y, strict=True):
            count = interval["count"]
            text = f"{group.label}: {accuracy:.1f} % right at confidence {confidence:.1f} % ({count} examples)"
            marks.append(Mark(axes, confidence, accuracy, text))
            span = f"{100 * interval['low']:.0f} – {100 * interval['high']:.0f}"
            rows.append([span, group.label, str(count), f"{confidence:.1f}", f"{accuracy:.1f}"])
        _draw_shares(counts, filled, position, len(parts), style["color"])
    axes.set_ylabel("accuracy (%)")
    axes.set_ylim(0, 100)
    axes.set_xlim(min(45.0, min(mark.x for mark in marks) - 5), 100)
    counts.set_ylabel("examples (%)")
    counts.set_xlabel("confidence (%)")
    legend(figure, [(group.label, look(group.index)) for group in parts])
    errors = "; ".join(
        f"{group.label}: ECE {part['ece']:.3f}, Brier {part['brier']:.3f}" for group, part in parts.items()
    )
    examples = next(iter(parts.values()))["examples"]
    chart = Chart(
        name="reliability",
        title="Reliability diagram",
        alt=f"Accuracy against confidence, with the diagonal of perfect calibration. {errors}.",
        caption=(
            f"{errors}. Below the dashed line a model is too confident. Bars: share of the {examples} "
            "examples in each bin. ECE in [0, 1], Brier in [0, 2]; smaller is better for both."
        ),
        figure=figure,
        headings=["confidence (%)", "run", "examples", "mean confidence (%)", "accuracy (%)"],
        rows=rows,
        marks=marks,
    )
    return [chart]


def _draw_shares(axes: Axes, bins: Sequence[Mapping[str, Any]], position: int, groups: int, colour: str) -> None:
    """Draw the share of examples in each bin as a bar, at the place of this group among all groups."""
    total = sum(interval["count"] for interval in bins)
    widths = [(interval["high"] - interval["low"]) * 100 / groups for interval in bins]
    left = [100 * interval["low"] + position * width for interval, width in zip(bins, widths, strict=True)]
    shares = [100 * interval["count"] / total for interval in bins]
    axes.bar(left, shares, width=[0.9 * width for width in widths], align="edge", color=colour)
