"""The report as one self-contained HTML file: no network, no script, the user's text escaped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from uegr.atomic import write_text
from uegr.report.figures import robustness_figure, svg
from uegr.report.results import label, robust_curve
from uegr.report.table import grid


def write_page(runs: Sequence[dict[str, Any]], path: Path) -> None:
    """Write the report of these runs to `path`."""
    environment = Environment(loader=PackageLoader("uegr.report", "."), autoescape=True, undefined=StrictUndefined)
    headings, rows = grid(runs)
    html = environment.get_template(
        "page.html"
    ).render(
        runs=runs,
        names=[label(run, runs) for run in runs],
        headings=headings,
        rows=rows,
        # Drawn by matplotlib, which escapes text for SVG itself.
        robustness=Markup(svg(robustness_figure(runs))),  # noqa: S704
        curves=[dict(zip(*robust_curve(run)[1:], strict=True)) for run in runs],
    )
    write_text(path, html)
