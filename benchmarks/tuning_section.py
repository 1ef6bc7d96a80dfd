"""The section of docs/results.md on tuning: what validation data chose for each method, and all that was tried."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uegr.atomic import write_text
from uegr.compare.figures import settings_figure, svg_text
from uegr.compare.ledger import Ledger
from uegr.compare.measures import BY_NAME, unmoved
from uegr.compare.table import markdown
from uegr.compare.tuning import Tuning, read_tuning

FILE, FOLDER = Path("benchmarks/tuning.yaml"), Path("results/tuning")
TEXT = """Mean of the clean metric and of robust accuracy, over Rotten Tomatoes and TREC (500 training examples, 6
epochs, validation data, one seed), in percent: with the method's defaults, and in the best trial. The figure has one
point a trial, and a line through those of a method that none of its own beats in both; trials that ended in one answer
to everything are left out of it."""


def tuning_section(figures: Path) -> str:
    """The section, its figure written; nothing where no trial has come to an end."""
    tuning = read_tuning(FILE)
    found = [json.loads(path.read_text()) for path in sorted((FOLDER / "trials").glob("*.json"))]
    rows = [row for one in found if (row := _row(one, tuning.trials))]
    if not rows:
        return ""
    table = markdown(["method", "trials", "defaults", "best", "the best trial's values"], rows)
    figure = settings_figure(_points(tuning, {one["method"]: one["trials"] for one in found}))
    write_text(figures / "tuning-front.svg", svg_text(figure))
    picture = "![Clean metric against robustness, one point a trial](figures/tuning-front.svg)"
    return f"## Tuning\n\n{textwrap.fill(TEXT, 120)}\n\n{table}\n\n{picture}"


def _row(found: Mapping[str, Any], wanted: int) -> list[str]:
    values = {trial["number"]: trial["value"] for trial in found["trials"] if trial["value"] is not None}
    if not values:
        return []
    best = max(values, key=lambda number: (values[number], -number))
    chosen = next(trial["params"] for trial in found["trials"] if trial["number"] == best)
    words = ", ".join(
        f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in chosen.items()
    )
    first = f"{100 * values[0]:.1f}" if 0 in values else "–"
    return [found["method"], f"{len(values)}/{wanted}", first, f"{100 * values[best]:.1f}", words]


def _points(
    tuning: Tuning, trials: Mapping[str, list[dict[str, Any]]]
) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """Task -> method -> (robust, clean) of each trial whose run is in the ledger and has learned something."""
    ledger = Ledger(FOLDER)
    points: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for search in tuning.searches:
        tried = trials.get(search.name, [])
        if not tried:
            continue
        entries = [search.entry(trial["params"], f"{search.name} trial {trial['number']}") for trial in tried]
        for cell in tuning.grid(entries).cells:
            run = ledger.find(cell)
            if run is not None and not unmoved(run):
                robust, clean = (float(BY_NAME[name].value(run) or 0.0) for name in ("robust", "clean"))
                points.setdefault(cell.task, {}).setdefault(search.name, []).append((robust, clean))
    return points
