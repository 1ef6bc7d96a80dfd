"""The tables of docs/selective_update.md, from results/selective.json."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from typing import Any

from experiments.number_text import signed
from experiments.paths import RESULTS
from uegr.compare.grid_summary import SIGNIFICANCE
from uegr.compare.grid_table import markdown
from uegr.evaluation.statistics import Comparison, compare_paired, holm

FILE = RESULTS / "selective.json"
PLAIN, HALF_RATE = "plain", "plain, half the learning rate"
Values = dict[int, float]
"""Seed -> measurement."""


@dataclass(frozen=True)
class Column:
    """One measurement in one situation.

    Args:
        heading: of the column.
        situation, measure: what `selective_study` calls them.
        scale, digits: how values are printed.
    """

    heading: str
    situation: str
    measure: str = "accuracy"
    scale: int = 100
    digits: int = 1


TABLES = {
    "few": (Column("100 sentences", "100 sentences"), Column("300 sentences", "300 sentences")),
    "noise": (Column("20 % wrong", "20 % wrong"), Column("40 % wrong", "40 % wrong")),
    "lora": (Column("accuracy", "LoRA"), Column("weight distance", "LoRA", "weight_distance", 1, 4)),
    "continual": (Column("points of A lost", "continual", "lost"), Column("accuracy on B", "continual")),
    "distance": (
        Column("weight distance", "300 sentences", "weight_distance", 1, 4),
        Column("CKA", "300 sentences", "cka", 1, 3),
    ),
    "other data": (
        Column("rotten_tomatoes", "other data"),
        Column("cr", "other data", "accuracy_cr"),
        Column("imdb", "other data", "accuracy_imdb"),
    ),
    "landscape": (
        Column("accuracy", "landscape"),
        Column("input-gradient norm", "landscape", "input_gradient", 1, 2),
        Column("largest eigenvalue", "landscape", "eigenvalue", 1, 1),
        Column("SAM sharpness", "landscape", "sharpness", 1, 3),
    ),
}
"""Mark on the page -> columns."""


def selective_tables() -> dict[str, str]:
    """Mark on the page -> its table, and "summary": how many differences there are."""
    runs = json.loads(FILE.read_text())["runs"]
    comparisons = {
        (column, method): comparison
        for column in (column for columns in TABLES.values() for column in columns)
        for method in _methods(runs, column)
        if (comparison := _comparison(runs, column, method)) is not None
    }
    adjusted = dict(zip(comparisons, holm([comparison.p for comparison in comparisons.values()]), strict=True))
    marked = {key for key, p in adjusted.items() if p < SIGNIFICANCE}
    tables = {mark: _table(runs, columns, comparisons, marked) for mark, columns in TABLES.items()}
    return {**tables, "summary": _summary(comparisons, len(marked))}


def _table(
    runs: list[dict[str, Any]],
    columns: tuple[Column, ...],
    comparisons: dict[tuple[Column, str], Comparison],
    marked: set[tuple[Column, str]],
) -> str:
    rows = []
    for method in _methods(runs, columns[0]):
        counts = {len(_values(runs, column, method)) for column in columns}
        row = [method, "–".join(str(count) for count in sorted(counts))]
        for column in columns:
            values = _values(runs, column, method)
            text = f"{column.scale * statistics.mean(values.values()):.{column.digits}f}" if values else "–"
            if comparison := comparisons.get((column, method)):
                text += f" ({signed(comparison.difference, column.scale, column.digits)})"
            row.append(f"**{text}**" if (column, method) in marked else text)
        rows.append(row)
    return markdown(["method", "seeds", *(column.heading for column in columns)], rows)


def _summary(comparisons: dict[tuple[Column, str], Comparison], marked: int) -> str:
    differences = [comparison.difference for comparison in comparisons.values()]
    tested = [difference for difference in differences if difference.count > 1]
    excluding = sum(difference.low > 0 or difference.high < 0 for difference in tested)
    return (
        f"The tables contain {len(differences)} differences to plain, {len(tested)} of them with an interval. "
        f"{excluding} intervals exclude zero, without any correction; about {0.05 * len(tested):.0f} would if nothing "
        f"differed. {marked} remain after Holm's correction."
    )


def _comparison(runs: list[dict[str, Any]], column: Column, method: str) -> Comparison | None:
    """A method against plain, over the seeds that both have."""
    values, plain = _values(runs, column, method), _values(runs, column, PLAIN)
    seeds = sorted(values.keys() & plain.keys())
    if method == PLAIN or not seeds:
        return None
    return compare_paired([values[seed] for seed in seeds], [plain[seed] for seed in seeds])


def _values(runs: list[dict[str, Any]], column: Column, method: str) -> Values:
    chosen = [run for run in runs if (run["situation"], run["method"]) == (column.situation, method)]
    return {run["seed"]: run[column.measure] for run in chosen}


def _methods(runs: list[dict[str, Any]], column: Column) -> list[str]:
    return list(dict.fromkeys(run["method"] for run in runs if run["situation"] == column.situation))
