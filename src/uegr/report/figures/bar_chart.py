"""Horizontal bars in blocks, one bar per group of runs: the form of figures that compare groups on a few items."""

import textwrap
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.style import COLOURS, canvas, legend, plain_numbers
from uegr.report.run_groups import Group

ERROR = "#8c8c8c"
"""Colour of error lines and lines over bars: visible on every bar, and on light and dark pages."""
Bars = Mapping[str, Mapping[str, float]]
"""Compared item -> label of a group -> length of its bar."""
Intervals = Mapping[str, Mapping[str, tuple[float, float]]]
"""Compared item -> label of a group -> ends of its error line."""


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
    intervals: Intervals | None = None,
    lines: Mapping[str, str] | None = None,
    limit: float | None = None,
    log: bool = False,
) -> Chart:
    """Draw one block per item, in it one bar per group, each with its number at its end.

    Args:
        groups: a group with a bar in any block gets a place in every block.
        lengths: length of each bar; not empty.
        unit: label of the x axis.
        name, title, caption: see `Chart`.
        alt: what the bars show; the numbers are added in words.
        digits: number of digits after the decimal point.
        intervals: ends of the error lines; a bar without one has none.
        lines: items that have no block -> the item over whose bars they are drawn as vertical lines.
        limit: right end of the x axis; by default the longest bar and its number decide.
        log: whether the x axis is logarithmic; it begins at a third of the shortest bar.
    """
    shown = [group for group in groups if any(group.label in block for block in lengths.values())]
    intervals, lines = intervals or {}, lines or {}
    items = [item for item in lengths if item not in lines]
    figure, axes = canvas(0.9 + 0.21 * len(items) * (len(shown) + 0.6))
    ends = [end for block in intervals.values() for interval in block.values() for end in interval]
    ends += [length for block in lengths.values() for length in block.values()]
    longest = limit or max(ends) or 1.0
    height = 0.8 / max(1, len(shown))
    marks = []
    for item, block in lengths.items():
        for position, group in enumerate(shown):
            if group.label not in block:
                continue
            row = items.index(lines.get(item, item))
            value, y = block[group.label], row + (position - (len(shown) - 1) / 2) * height
            marks.append(Mark(axes, value, y, f"{group.label}, {_one_line(item)}: {_number(value, digits)}"))
            if item in lines:
                axes.vlines(value, y - 0.45 * height, y + 0.45 * height, color=ERROR, linewidth=3)
                continue
            axes.barh(y, value, height=height * 0.9, color=COLOURS[group.index % len(COLOURS)])
            low, high = intervals.get(item, {}).get(group.label, (value, value))
            if low < high:
                axes.hlines(y, low, high, color=ERROR, linewidth=1.3)
            right = max([high, *(lengths[line].get(group.label, high) for line in lines if lines[line] == item)])
            text_x = right * 1.05 if log else max(right, 0) + 0.012 * longest
            axes.text(text_x, y, _number(value, digits), va="center", fontsize=8.5)
    _label_axes(axes, items, unit)
    if log:
        shortest = min(mark.x for mark in marks)
        axes.set_xscale("log")
        axes.set_xlim(shortest / 3, longest * 3)
        plain_numbers(axes.xaxis, longest * 9 / shortest)
    else:
        axes.set_xlim(1.04 * min(0.0, *ends), longest * (1.0 if limit else 1.16))
    if len(shown) > 1:
        legend(figure, [(group.label, {"facecolor": COLOURS[group.index % len(COLOURS)]}) for group in shown])
    labels = [group.label for group in groups]
    rows = [
        [_one_line(item), *(_number(block[label], digits) if label in block else "–" for label in labels)]
        for item, block in lengths.items()
    ]
    return Chart(name, title, f"{alt} {_in_words(labels, rows)}.", caption, figure, ["", *labels], rows, marks)


def _label_axes(axes: Axes, items: Sequence[str], unit: str) -> None:
    """Write the items down the left side, the first at the top, and the unit below."""
    axes.set_yticks(range(len(items)), [_wrapped(item) for item in items])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(items) - 0.45, -0.55)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(unit)


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


def _one_line(item: str) -> str:
    return item.replace("\n", " ")
