"""The report as one self-contained HTML file: no network, no script but its own, the user's text escaped."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from uegr import __version__
from uegr.atomic_files import write_text
from uegr.report.figures.catalogue import Sections
from uegr.report.figures.chart import Chart
from uegr.report.figures.render import inline_svg
from uegr.report.figures.style import COLOURS, ON_DARK
from uegr.runs.run_result import label
from uegr.runs.run_table import FEW, grid

SUMMARY_NOTE = (
    "PGD ε: the metric (%) when an adversary may move the token embeddings that far. Area: mean height "
    "of that curve from 0 on. Typos: under typing errors. ECE: expected calibration error. NLL: mean negative "
    "log-likelihood in nats. Time and FLOPs: one training step, as a multiple of a plain one, measured side by side."
)


@dataclass(frozen=True)
class _Figure:
    """A chart as the template wants it: `svg` drawn, `marks` as JSON."""

    name: str
    title: str
    alt: str
    caption: str
    svg: Markup
    headings: list[str]
    rows: list[list[str]]
    marks: str


def write_page(runs: Sequence[dict[str, Any]], sections: Sections, path: Path) -> None:
    """Write the report of these runs, with these figures, to `path`."""
    environment = Environment(loader=PackageLoader("uegr.report", "."), autoescape=True, undefined=StrictUndefined)
    headings, rows = grid(runs)
    # Style and script are ours, without a word of the user's, and stand in the page as they are.
    style = Markup(environment.get_template("page.css").render(light=COLOURS, dark=ON_DARK))  # noqa: S704
    script = Markup(environment.get_template("page.js").render())  # noqa: S704
    html = environment.get_template("page.html").render(
        title=_title(runs),
        version=__version__,
        style=style,
        script=script,
        script_hash=b64encode(sha256(script.encode()).digest()).decode(),
        headings=headings,
        rows=rows,
        by_row=len(runs) > FEW,
        warnings=[text for run in runs for text in _warnings(run, runs)],
        summary_note=SUMMARY_NOTE,
        run_headings=["run", "task", "model", "seed", "training examples", "test examples", "split", "training s"],
        run_rows=[_about(run, runs) for run in runs],
        sections=[
            {
                "title": title,
                "anchor": title.lower().replace(" ", "-"),
                "charts": [asdict(_figure(chart)) for chart in charts],
            }
            for title, charts in sections.items()
        ],
    )
    write_text(path, html)


def _figure(chart: Chart) -> _Figure:
    svg, marks = inline_svg(chart)
    return _Figure(
        name=chart.name,
        title=chart.title,
        alt=chart.alt,
        caption=chart.caption,
        svg=Markup(svg),  # noqa: S704  # drawn by matplotlib, which escapes text for SVG itself
        headings=chart.headings,
        rows=chart.rows,
        marks=json.dumps(marks),
    )


def _title(runs: Sequence[dict[str, Any]]) -> str:
    methods = ", ".join(dict.fromkeys(str(run["method"]) for run in runs))
    tasks = ", ".join(dict.fromkeys(str(run["task"]) for run in runs))
    models = ", ".join(dict.fromkeys(str(run["model"]) for run in runs))
    return f"{methods} on {tasks} with {models}"


def _warnings(run: dict[str, Any], runs: Sequence[dict[str, Any]]) -> list[str]:
    masking = run.get("analysis", {}).get("gradient_masking", {})
    return [f"{label(run, runs)}: {' '.join(masking.get('reasons', ()))}"] if masking.get("flag") else []


def _about(run: dict[str, Any], runs: Sequence[dict[str, Any]]) -> list[str]:
    seconds = f"{run['cost']['seconds']:.0f}"
    named = [str(run.get(name, "–")) for name in ("task", "model", "seed", "train_examples", "test_examples", "split")]
    return [label(run, runs), *named, seconds]
