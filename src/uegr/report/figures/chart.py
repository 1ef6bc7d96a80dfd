"""A figure with all that makes it readable without eyes, mouse or colour: words, a table of its numbers, read-outs."""

from __future__ import annotations

from dataclasses import dataclass, field

from matplotlib.axes import Axes
from matplotlib.figure import Figure


@dataclass(frozen=True)
class Mark:
    """A place in a figure that says something when pointed at: a data point, the end of a bar, a cell.

    Args:
        axes, x, y: where, in the data coordinates of these axes.
        text: what it says.
    """

    axes: Axes
    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Chart:
    """One figure of the report.

    Args:
        name: its file name without ending, and its anchor in the page.
        title: what it shows, a few words.
        alt: what a reader would see in it, in a sentence or two.
        caption: how to read it: what was measured, over how many examples, what a band means.
        figure: the drawing.
        headings, rows: its numbers, every cell as text.
        marks: what pointing at it reads out.
    """

    name: str
    title: str
    alt: str
    caption: str
    figure: Figure
    headings: list[str]
    rows: list[list[str]]
    marks: list[Mark] = field(default_factory=list)
