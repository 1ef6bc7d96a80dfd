"""The style of every figure: the width of a phone, a palette for the colour-blind, a legend below the axes."""

import textwrap
from contextlib import AbstractContextManager
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

COLOURS = ("#111111", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c8c8c")
"""Okabe and Ito's colours, which the colour-blind can distinguish, with grey for their yellow. The first is not quite
black: matplotlib omits true black, the default of SVG, so a page could not recolour it."""
ON_DARK = ("#f2f2f2", "#ff8a3d", "#4aa8ea", "#2fc79b", "#e79ac3", "#ffc04d", "#9ad6f7", "#8c8c8c")
"""The same colours on a dark page."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
LINES = ("-", "--", ":", "-.")
INK, LINE = "#1c1c1c", "#d6d6d6"
"""Colours of text and axes, and of the grid. Neither is a colour of data, so that a page can change each alone."""
HEAT = "cividis"
"""A colour map whose lightness is proportional to the value, also for the colour-blind."""
WIDTH = 4.7
"""Inches: on the width of a phone a letter of ten points is still ten pixels high."""

_STYLE: Any = {
    "figure.dpi": 72,
    "font.size": 10,
    "font.family": "sans-serif",
    "text.parse_math": False,  # a $ in a label is a dollar sign
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "svg.fonttype": "none",  # text stays text: small files, and the font of the reader's screen
}


def styled(**more: str) -> AbstractContextManager[None]:
    """Return a context that draws in this style, with these further settings of matplotlib."""
    settings: Any = {**_STYLE, **more}
    return rc_context(settings)


def canvas(height: float = 3.3, **subplots: Any) -> tuple[Figure, Any]:
    """Return an empty figure of the standard width and its axes; `subplots` as for `Figure.subplots`."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(**subplots)


def look(index: int) -> dict[str, Any]:
    """Return colour, marker and line of a curve: no two of the first 32 have the same colour and marker."""
    turn, place = divmod(index, len(COLOURS))
    marker, line = MARKERS[(place + turn) % len(MARKERS)], LINES[turn % len(LINES)]
    return {"color": COLOURS[place], "marker": marker, "linestyle": line}


def legend(figure: Figure, entries: list[tuple[str, dict[str, Any]]]) -> None:
    """Add a legend below the axes; the figure grows by its height.

    Args:
        figure: the figure.
        entries: label and `look` (or {"facecolor": ...} for an area), in order.
    """
    entries = [(textwrap.shorten(text, 50, placeholder="…"), style) for text, style in entries]
    handles = [
        Patch(label=text, **style) if "facecolor" in style else Line2D([], [], label=text, **style)
        for text, style in entries
    ]
    columns = 2 if len(entries) > 1 and max(len(text) for text, _ in entries) <= 24 else 1
    lines = -(-len(entries) // columns)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + 0.21 * lines)
    # Matplotlib would leave out labels that begin with _ if it collected the handles itself.
    figure.legend(handles, [text for text, _ in entries], loc="outside lower left", ncols=columns, handlelength=2.4)


def heat_bar(figure: Figure, mesh: Any, axes: Axes, label: str) -> None:
    """Add the scale of a heat map below it, drawn as shapes and not as pixels."""
    bar = figure.colorbar(mesh, ax=axes, label=label, location="bottom", aspect=35, pad=0.02)
    solids: Any = bar.solids
    solids.set_rasterized(False)
    solids.set_edgecolor("face")
    if isinstance(mesh.norm, LogNorm):
        low, high = mesh.get_clim()
        plain_numbers(bar.ax.xaxis, high / low)


def plain_numbers(axis: Axis, span: float) -> None:
    """Write the numbers of a logarithmic axis as 0.01 or 1e-06; matplotlib's default needs its formula typesetter.

    Args:
        axis: the axis.
        span: end of the axis divided by its beginning; below 100 there are numbers between the powers of ten.
    """
    axis.set_major_locator(LogLocator(subs=(1.0,) if span > 100 else (1.0, 3.0), numticks=8))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def epsilon_axis(axes: Axes, norm: str, relative: bool) -> None:
    """Name the x axis of a curve over epsilons."""
    balls = {"l2": "l2 of a whole text", "l2_token": "l2 of each token", "linf": "largest coordinate"}
    unit = "share of the mean embedding norm" if relative else "absolute"
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.set_xlabel(f"epsilon, {unit}\n({balls.get(norm, norm)})")
