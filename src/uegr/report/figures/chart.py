"""A figure with a description, its numbers as a table, and values to point at, for readers who cannot see it well."""

from dataclasses import dataclass, field

from matplotlib.axes import Axes
from matplotlib.figure import Figure


@dataclass(frozen=True)
class Mark:
    """A place in a figure whose text is shown when a reader points at it: a data point, the end of a bar, a cell.

    Args:
        axes, x, y: the place, in the data coordinates of these axes.
        text: the text that is shown there.
    """

    axes: Axes
    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Chart:
    """One figure of the report.

    Args:
        name: file name without ending, and anchor in the page.
        title: what the figure shows, in a few words.
        alt: the alternative text: what a reader sees in the figure, in a sentence or two.
        caption: how to read the figure: what was measured, over how many examples, what a band means.
        figure: the drawing.
        headings, rows: the numbers as a table, every cell as text.
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
