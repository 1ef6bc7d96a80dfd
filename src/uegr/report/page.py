"""The report as one self-contained HTML file: no network, no script but its own, the user's text escaped."""

import json
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from uegr import __version__
from uegr.atomic_files import write_text
from uegr.evaluation.data_slices import SMALLEST
from uegr.report.explorer import explore
from uegr.report.figures.catalogue import Sections
from uegr.report.figures.chart import Chart
from uegr.report.figures.render import inline_svg
from uegr.report.figures.style import COLOURS, ON_DARK
from uegr.report.first_table import first_chart, table_note, table_rows
from uegr.report.group_difference import reference_of
from uegr.report.run_groups import first_shown, group_runs
from uegr.report.table_measures import first_measures, strongest_attack
from uegr.report.verdict import verdict_of
from uegr.report.weak_slices import slice_tables
from uegr.runs.run_result import RunResult
from uegr.runs.run_table import MOST_COLUMNS, attack_notes, headings_and_rows

SUMMARY_NOTE = (
    "PGD ε: the metric (%) when an attack may move the token embeddings by up to epsilon. Area: mean height of that "
    "curve, from 0 on. Typos: under typing errors. ECE: expected calibration error. NLL: mean negative log-likelihood "
    "in nats. Time and FLOPs: one training step, as a multiple of a plain step, both measured side by side."
)

SLICES_NOTE = (
    f"Parts of the data of at least {SMALLEST} texts, weakest first: by class, by length, and by the share of words "
    "that are in no training text. In brackets: 95 % intervals. With many parts some are weak by chance."
)


def write_page(runs: Sequence[RunResult], sections: Sections, path: Path) -> None:
    """Write the report of these runs, with these figures, to `path`."""
    environment = Environment(loader=PackageLoader("uegr.report", "."), autoescape=True, undefined=StrictUndefined)
    headings, rows = headings_and_rows(runs)
    # Style and script are fixed text without anything of the user's, so they are not escaped.
    style = Markup(environment.get_template("page.css").render(light=COLOURS, dark=ON_DARK))  # noqa: S704
    script = Markup(environment.get_template("page.js").render())  # noqa: S704
    html = environment.get_template("page.html").render(
        title=_title(runs),
        version=__version__,
        style=style,
        script=script,
        script_hash=b64encode(sha256(script.encode()).digest()).decode(),
        **_story(runs),
        headings=headings,
        rows=rows,
        by_row=len(runs) > MOST_COLUMNS,
        warnings=[f"{run.label(runs)}: {' '.join(run.masking_reasons)}" for run in runs if run.masking_reasons],
        summary_note=f"{SUMMARY_NOTE} {attack_notes(runs)}",
        run_headings=["run", "task", "model", "seed", "training examples", "test examples", "split", "training s"],
        run_rows=[[run.label(runs), *_details(run)] for run in runs],
        sections=[
            {"title": title, "anchor": title.lower().replace(" ", "-"), "charts": [_figure(chart) for chart in charts]}
            for title, charts in sections.items()
        ],
    )
    write_text(path, html)


def _story(runs: Sequence[RunResult]) -> dict[str, Any]:
    """The verdict, the first table and its figure, the attacked texts, and the weakest parts of the data."""
    groups = group_runs(runs)
    reference, measures = reference_of(groups), first_measures(groups)
    story_headings, story_rows = table_rows(groups, reference, measures)
    chart = first_chart(groups, measures)
    return {
        "verdict": verdict_of(groups, reference, measures),
        "story_headings": story_headings,
        "story_rows": story_rows,
        "story_note": table_note(groups, measures),
        "story_chart": None if chart is None else _figure(chart),
        "explorer": explore(groups),
        "classified": any("accuracy" in run.metrics for run in runs),
        "slices": slice_tables(groups, strongest_attack(measures, groups)),
        "slices_note": f"{SLICES_NOTE} {first_shown(groups)}",
    }


def _figure(chart: Chart) -> dict[str, Any]:
    """The chart as the template takes it: drawn, and the marks as JSON."""
    svg, marks = inline_svg(chart)
    texts = {name: getattr(chart, name) for name in ("name", "title", "alt", "caption", "headings", "rows")}
    return {**texts, "svg": Markup(svg), "marks": json.dumps(marks)}  # noqa: S704  # matplotlib escapes text for SVG


def _title(runs: Sequence[RunResult]) -> str:
    methods, tasks, models = (
        ", ".join(dict.fromkeys(getattr(run, name) for run in runs)) for name in ("method", "task", "model")
    )
    return f"{methods} on {tasks} with {models}"


def _details(run: RunResult) -> list[str]:
    details = (run.task, run.model, run.seed, run.train_examples, run.test_examples, run.split)
    return [*("–" if detail is None else str(detail) for detail in details), f"{run.cost.seconds:.0f}"]
