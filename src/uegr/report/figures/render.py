"""Render a chart as a file, or as SVG inside a page, in the colours of the page."""

import re
from io import StringIO
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from uegr.atomic_files import temporary_beside
from uegr.locked_files import replace_file
from uegr.report.figures.chart import Chart
from uegr.report.figures.style import COLOURS, INK, LINE, styled

VARIABLES = {INK: "--ink", LINE: "--line", **{colour: f"--c{i}" for i, colour in enumerate(COLOURS)}}
"""Colour in a figure -> the variable of the page that replaces it."""
NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}


def svg(figure: Figure, salt: str, *, transparent: bool = False) -> str:
    """Return the figure as an <svg> element, the same for the same figure: `salt` decides its generated ids."""
    buffer = StringIO()
    with rc_context({"svg.hashsalt": salt}):
        figure.savefig(buffer, format="svg", transparent=transparent, metadata=NO_METADATA)
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def inline_svg(chart: Chart) -> tuple[str, list[tuple[float, float, str]]]:
    """Return the figure as an <svg> element without background, and the positions of its marks.

    Returns:
        Markup whose ids begin with the chart's name, so that several figures can share a page; and
        (x, y, text) of each mark in units of the element's viewBox, y downwards.
    """
    with styled():
        text = svg(chart.figure, chart.name, transparent=True)
    text = re.sub(
        r'^<svg [^>]*?(viewBox="[^"]*")[^>]*>', r'<svg \1 aria-hidden="true" focusable="false">', text, count=1
    )
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{chart.name}-", text)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    height = chart.figure.get_size_inches()[1] * chart.figure.dpi
    points = []
    for mark in chart.marks:
        x, y = mark.axes.transData.transform((mark.x, mark.y))
        points.append((round(float(x), 1), round(float(height - y), 1), mark.text))
    return text, points


def save_figures(charts: list[Chart], folder: Path) -> list[Path]:
    """Write each chart as PNG (200 dots an inch) and SVG, on white and under its title, into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for chart in charts:
        with styled(**{"svg.hashsalt": chart.name}):
            chart.figure.suptitle(chart.title, fontsize=11)
            for ending, options in (("png", {"dpi": 200}), ("svg", {"metadata": {"Date": None}})):
                path = folder / f"{chart.name}.{ending}"
                temporary = temporary_beside(path)
                try:
                    chart.figure.savefig(temporary, format=ending, facecolor="white", **options)
                    replace_file(temporary, path)
                finally:
                    temporary.unlink(missing_ok=True)
                written.append(path)
            chart.figure.suptitle("")  # the page adds the titles itself
    return written
