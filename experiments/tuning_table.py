"""The section of docs/results.md on tuning: what validation data chose for each method, and all that was tried."""

from __future__ import annotations

import json
from typing import Any

from experiments.grid_figures import settings_figure, svg_text
from experiments.grid_sections import Figures
from experiments.paths import RESULTS
from uegr.compare.grid_table import markdown
from uegr.compare.measures import CLEAN, ROBUST, collapsed
from uegr.compare.result_slot import latest_slots


def tuning_table(figures: Figures) -> str:
    """The first and the best trial of each method, in percent; the figure has all trials."""
    tuning = json.loads((RESULTS / "tuning.trials.json").read_text())
    figures["tuning-front.svg"] = svg_text(settings_figure(_points()))
    rows = [_row(search, tuning["trials"]) for search in tuning["methods"]]
    return markdown(["method", "trials", "first", "best", "the best trial's values"], rows)


def _row(search: dict[str, Any], wanted: int) -> list[str]:
    finished = [trial for trial in search["trials"] if trial["value"] is not None]
    best = max(finished, key=lambda trial: (trial["value"], -trial["number"]))
    first = next((f"{100 * trial['value']:.1f}" for trial in finished if trial["number"] == 0), "–")
    values = ", ".join(
        f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in best["params"].items()
    )
    return [search["method"], f"{len(finished)}/{wanted}", first, f"{100 * best['value']:.1f}", values]


def _points() -> dict[str, dict[str, list[tuple[float, float]]]]:
    """Task -> method -> (robust, clean) of each trial that did not collapse; runs are named "uegr trial 3"."""
    points: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for slot in latest_slots(RESULTS / "tuning.jsonl"):
        if slot.result is not None and not collapsed(slot.result):
            clean, robust = (measure.number(slot.result) for measure in (CLEAN, ROBUST))
            method, _, _ = slot.method.partition(" trial ")
            points.setdefault(slot.task, {}).setdefault(method, []).append((robust, clean))
    return points
