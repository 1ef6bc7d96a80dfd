"""Curves, one per group of runs or per attack, with the same numbers as a table: the form of most figures."""

from collections.abc import Sequence
from typing import NamedTuple

from uegr.report.figures.chart import Chart, Mark
from uegr.report.figures.style import canvas, legend, look


class Line(NamedTuple):
    """One curve: its label, its place in the palette (see `look`), and its points."""

    label: str
    palette: int
    x: Sequence[float]
    y: Sequence[float]


def draw_curves(
    lines: Sequence[Line],
    x_name: str,
    y_name: str,
    *,
    name: str,
    title: str,
    alt: str,
    caption: str,
    height: float = 3.2,
    place: str = "{:.4g}",
    number: str = "{:.4g}",
) -> Chart:
    """Draw the curves.

    Args:
        lines: at least one.
        x_name, y_name: labels of the axes, with the unit.
        name, title, alt, caption: see `Chart`.
        height: height of the axes in inches.
        place, number: formats of x and y in the table and the marks.
    """
    figure, axes = canvas(height)
    marks: list[Mark] = []
    cells: dict[float, dict[str, str]] = {}
    for line in lines:
        axes.plot(line.x, line.y, **look(line.palette), markevery=max(1, len(line.x) // 12), clip_on=False)
        for x, y in zip(line.x, line.y, strict=True):
            cells.setdefault(x, {})[line.label] = number.format(y)
            marks.append(Mark(axes, x, y, f"{line.label}: {number.format(y)} at {place.format(x)}"))
    axes.set_xlabel(x_name)
    axes.set_ylabel(y_name)
    legend(figure, [(line.label, look(line.palette)) for line in lines])
    labels = [line.label for line in lines]
    rows = [[place.format(x), *(cells[x].get(label, "–") for label in labels)] for x in sorted(cells)]
    return Chart(name, title, alt, caption, figure, [x_name, *labels], rows, marks)
