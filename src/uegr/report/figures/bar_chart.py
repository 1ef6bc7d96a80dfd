"""Horizontal bars in blocks, one bar per group of runs: the form of figures that compare groups on a few items."""

import textwrap
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.style import COLOURS, canvas, legend, plain_numbers
from uegr.report.run_groups import Group

ERROR = "#8c8c8c"
"""Colour of error lines: visible on every bar, and on light and dark pages."""
Interval = tuple[float, float]
Bars = Mapping[str, Mapping[str, float]]
"""Compared item -> label of a group -> length of its bar."""


def draw_bars(
    groups: Sequence[Group],
    lengths: Bars,
    unit: str,
    *,
    name: str,
    title: str,
    alt: str,
    caption: str,
    digits: int = 1,
    intervals: Mapping[str, Mapping[str, Interval]] | None = None,
    limit: float | None = None,
    log: bool = False,
) -> Chart:
    """Draw one block per item, in it one bar per group, each with its number at its end.

    Args:
        groups: those with a bar anywhere get a place in every block.
        lengths: see `Bars`.
        unit: label of the axis.
        name, title, caption: of the chart.
        alt: what the bars are; their numbers follow it in words.
        digits: after the point.
        intervals: ends of the error lines, where there are any.
        limit: right end of the axis.
        log: on a logarithmic axis, from a third of the shortest bar on.
    """
    shown = [group for group in groups if any(group.label in block for block in lengths.values())]
    width = 0.8 / max(1, len(shown))
    figure, axes = canvas(0.9 + 0.21 * len(lengths) * (len(shown) + 0.6))
    ends = [length for block in lengths.values() for length in block.values()]
    lows = [*ends, *(low for block in (intervals or {}).values() for low, _ in block.values())]
    ends += [high for block in (intervals or {}).values() for _, high in block.values()]
    longest = limit or max(ends) or 1.0
    marks = []
    for row, (item, block) in enumerate(lengths.items()):
        for position, group in enumerate(shown):
            if group.label not in block:
                continue
            value, y = block[group.label], row + (position - (len(shown) - 1) / 2) * width
            interval = (intervals or {}).get(item, {}).get(group.label)
            _bar(axes, value, y, width * 0.9, COLOURS[group.index % len(COLOURS)], interval)
            end = value if interval is None else interval[1]
            axes.text(
                end * 1.05 if log else max(end, 0) + 0.012 * longest,
                y,
                _number(value, digits),
                va="center",
                fontsize=8.5,
            )
            text = f"{group.label}, {item.replace(chr(10), ' ')}: {_number(value, digits)}"
            marks.append(Mark(axes, value, y, text))
    axes.set_yticks(range(len(lengths)), [_wrapped(item) for item in lengths])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(lengths) - 0.45, -0.55)
    if log:
        axes.set_xscale("log")
        axes.set_xlim(min(mark.x for mark in marks) / 3, longest * 3)
        plain_numbers(axes.xaxis, longest * 9 / min(mark.x for mark in marks))
    else:
        axes.set_xlim(1.04 * min(0.0, *lows), longest * (1.0 if limit else 1.16))
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(unit)
    if len(shown) > 1:
        legend(figure, [(group.label, {"facecolor": COLOURS[group.index % len(COLOURS)]}) for group in shown])
    labels = [group.label for group in groups]
    rows = [
        [item.replace("\n", " "), *(_number(block[label], digits) if label in block else "–" for label in labels)]
        for item, block in lengths.items()
    ]
    return Chart(name, title, f"{alt} {_in_words(labels, rows)}.", caption, figure, ["", *labels], rows, marks)


def _in_words(labels: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return the numbers of a table as a sentence, for screen readers."""
    blocks = (
        ", ".join(f"{label} {cell}" for label, cell in zip(labels, row[1:], strict=True) if cell != "–") for row in rows
    )
    return "; ".join(f"{row[0]}: {block}" for row, block in zip(rows, blocks, strict=True))


def _number(value: float, digits: int) -> str:
    """Return the value with `digits` after the point, fewer for large values: at most four digits in all."""
    return f"{value:.{max(0, min(digits, 4 - len(str(int(abs(value))))))}f}"


def _wrapped(item: str) -> str:
    """Return an item's name in at most two lines, so that there is room for the bars."""
    return "\n".join(textwrap.wrap(item, 18, max_lines=2, placeholder="…")) if "\n" not in item else item


def _bar(axes: Axes, value: float, y: float, height: float, colour: str, interval: Interval | None) -> None:
    axes.barh(y, value, height=height, color=colour)
    if interval is not None:
        low, high = interval
        axes.hlines(y, low, high, color=ERROR, linewidth=1.3)
