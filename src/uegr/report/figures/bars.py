"""Horizontal bars, side by side for each group: the form of every figure that compares groups on a few things."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uegr.report.figures.chart import Mark
from uegr.report.figures.style import COLOURS, canvas, legend, plain_numbers
from uegr.report.run_groups import Group

ERROR = "#8c8c8c"
"""Of error lines: seen on every bar and on light and dark pages."""
Bars = Mapping[str, Mapping[str, float]]
"""What is compared -> label of a group -> length of its bar."""


def bars(
    groups: Sequence[Group],
    lengths: Bars,
    unit: str,
    *,
    digits: int = 1,
    intervals: Mapping[str, Mapping[str, tuple[float, float]]] | None = None,
    limit: float | None = None,
    log: bool = False,
) -> tuple[Figure, list[Mark]]:
    """One block a thing, in it one bar a group, each with its number at its end.

    Args:
        groups: those with a bar anywhere get a place in every block.
        lengths: see `Bars`.
        unit: label of the axis.
        digits: after the point.
        intervals: ends of each bar's error line, where there is one.
        limit: right end of the axis.
        log: on a logarithmic axis, from a third of the shortest bar on.
    """
    shown = [group for group in groups if any(group.label in block for block in lengths.values())]
    width = 0.8 / max(1, len(shown))
    figure, axes = canvas(0.9 + 0.21 * len(lengths) * (len(shown) + 0.6))
    ends = [one for block in lengths.values() for one in block.values()]
    lows = [*ends, *(low for block in (intervals or {}).values() for low, _ in block.values())]
    ends += [high for block in (intervals or {}).values() for _, high in block.values()]
    longest = limit or max(ends) or 1.0
    marks = []
    for row, (thing, block) in enumerate(lengths.items()):
        for at, group in enumerate(shown):
            if group.label not in block:
                continue
            value, y = block[group.label], row + (at - (len(shown) - 1) / 2) * width
            interval = (intervals or {}).get(thing, {}).get(group.label)
            _bar(axes, value, y, width * 0.9, COLOURS[group.at % len(COLOURS)], interval)
            end = value if interval is None else interval[1]
            axes.text(
                end * 1.05 if log else max(end, 0) + 0.012 * longest,
                y,
                _number(value, digits),
                va="center",
                fontsize=8.5,
            )
            marks.append(
                Mark(axes, value, y, f"{group.label}, {thing.replace(chr(10), ' ')}: {_number(value, digits)}")
            )
    axes.set_yticks(range(len(lengths)), [_wrapped(thing) for thing in lengths])
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
        legend(figure, [(group.label, {"facecolor": COLOURS[group.at % len(COLOURS)]}) for group in shown])
    return figure, marks


def bar_rows(groups: Sequence[Group], lengths: Bars, digits: int = 1) -> tuple[list[str], list[list[str]]]:
    """The same numbers as a table: a row a thing, a column a group."""
    labels = [group.label for group in groups]
    rows = [
        [thing.replace("\n", " "), *(_number(block[one], digits) if one in block else "–" for one in labels)]
        for thing, block in lengths.items()
    ]
    return ["", *labels], rows


def in_words(groups: Sequence[Group], lengths: Bars, digits: int = 1) -> str:
    """The same numbers as a sentence for those who hear the page."""
    headings, rows = bar_rows(groups, lengths, digits)
    blocks = (
        ", ".join(f"{name} {cell}" for name, cell in zip(headings[1:], row[1:], strict=True) if cell != "–")
        for row in rows
    )
    return "; ".join(f"{row[0]}: {block}" for row, block in zip(rows, blocks, strict=True))


def _number(value: float, digits: int) -> str:
    """Digits after the point only as far as they say something: none of them from a thousand on."""
    return f"{value:.{max(0, min(digits, 4 - len(str(int(abs(value))))))}f}"


def _wrapped(thing: str) -> str:
    """At most two lines of a block's name, so that the bars keep their room."""
    return "\n".join(textwrap.wrap(thing, 18, max_lines=2, placeholder="…")) if "\n" not in thing else thing


def _bar(axes: Axes, value: float, y: float, height: float, colour: str, interval: Any) -> None:
    axes.barh(y, value, height=height, color=colour)
    if interval is not None:
        low, high = interval
        axes.hlines(y, low, high, color=ERROR, linewidth=1.3)
