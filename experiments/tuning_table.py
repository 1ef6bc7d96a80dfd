"""The section of docs/results.md on tuning: what validation data chose for each method, and all that was tried."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from pathlib import Path

from uegr.atomic_files import write_text
from uegr.compare.grid_table import markdown
from uegr.compare.ledger import Ledger
from uegr.compare.measures import MEASURES, unmoved
from uegr.compare.tuning import Search, Tuning, read_tuning
from uegr.report.figures.grid_figures import settings_figure, svg_text

FILE, FOLDER = Path("benchmarks/tuning.yaml"), Path("results/tuning")
TEXT = """Mean of the clean metric and of robust accuracy, over Rotten Tomatoes and TREC (500 training examples, 6
epochs, validation data, one seed), in percent: in the first trial, and in the best. The figure has one
point a trial, and a line through those of a method that none of its own beats in both; trials that ended in one answer
to everything are left out of it."""


def tuning_section(figures: Path) -> str:
    """The section, its figure written; nothing where no trial has come to an end."""
    tuning = read_tuning(FILE)
    searches = [search for search in tuning.searches if _tried(search)]
    if not searches:
        return ""
    rows = [_row(search, tuning.trials) for search in searches]
    table = markdown(["method", "trials", "first", "best", "the best trial's values"], rows)
    write_text(figures / "tuning-front.svg", svg_text(settings_figure(_points(tuning, searches))))
    picture = "![Clean metric against robustness, one point a trial](figures/tuning-front.svg)"
    return f"## Tuning\n\n{textwrap.fill(TEXT, 120)}\n\n{table}\n\n{picture}"


def _tried(search: Search) -> bool:
    """Give the search the trials that are on disk: whether one of them came to an end."""
    path = FOLDER / "trials" / f"{search.name}.json"
    if path.is_file():
        search.trials = json.loads(path.read_text())["trials"]
    return any(trial["value"] is not None for trial in search.trials)


def _row(search: Search, wanted: int) -> list[str]:
    values = {trial["number"]: trial["value"] for trial in search.trials if trial["value"] is not None}
    words = ", ".join(
        f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in search.best["params"].items()
    )
    first = f"{100 * values[0]:.1f}" if 0 in values else "–"
    return [search.name, f"{len(values)}/{wanted}", first, f"{100 * search.best['value']:.1f}", words]


def _points(tuning: Tuning, searches: Sequence[Search]) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """Task -> method -> (robust, clean) of each trial whose run is in the ledger and has learned something."""
    ledger = Ledger(FOLDER)
    points: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for search in searches:
        entries = [search.entry(trial["params"], f"{search.name} trial {trial['number']}") for trial in search.trials]
        for cell in tuning.grid(entries).cells:
            run = ledger.find(cell)
            if run is not None and not unmoved(run):
                clean, robust = (float(measure.value(run) or 0.0) for measure in MEASURES[:2])
                points.setdefault(cell.task, {}).setdefault(search.name, []).append((robust, clean))
    return points
