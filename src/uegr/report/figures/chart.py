"""A figure with a description, its numbers as a table, and values to point at, for readers who cannot see it well."""

from dataclasses import dataclass, field

from matplotlib.axes import Axes
from matplotlib.figure import Figure


@dataclass(frozen=True)
class Mark:
    """A place in a figure whose text is shown when a reader points at it: a data point, the end of a bar, a cell.

    Args:
        axes, x, y: the place, in the data coordinates of these axes.
        text: what is shown.
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
        title: what it shows, in a few words.
        alt: what a reader sees in it, in a sentence or two.
        caption: how to read it: what was measured, over how many examples, what a band means.
        figure: the drawing.
        headings, rows: its numbers, every cell as text.
        marks: the values that a reader can point at.
    """

    name: str
    title: str
    alt: str
    caption: str
    figure: Figure
    headings: list[str]
    rows: list[list[str]]
    marks: list[Mark] = field(default_factory=list)
