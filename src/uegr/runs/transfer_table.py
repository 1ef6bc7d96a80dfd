"""What a run is worth on other tasks, and how much of what it was measured on it had seen."""

from __future__ import annotations

from typing import Any

from rich.box import SIMPLE
from rich.table import Table

from uegr.modeling.metrics import METRICS, show

Run = dict[str, Any]


def transfer_rows(run: Run) -> tuple[list[str], list[list[str]]]:
    """Headings and rows: each other task with its published metric, on all its texts and on those never seen."""
    headings = ["measured on", "metric", "value", "examples", "seen", "nearly", "on the unseen"]
    rows = []
    for entry in run.get("transfer", []):
        metric, leakage, unseen = entry["metric"], entry["leakage"], entry["unseen"]
        left = unseen[metric]
        rows.append(
            [
                entry["task"],
                METRICS[metric].title,
                show(metric, entry["metrics"][metric]),
                f"{entry['test_examples']:,}",
                f"{leakage['exact']:,}",
                f"{leakage['near'] - leakage['exact']:,}",
                "–" if left is None else f"{show(metric, left)} of {unseen['examples']:,}",
            ]
        )
    return headings, rows


def transfer_table(run: Run) -> Table:
    """The same as a rich table."""
    headings, rows = transfer_rows(run)
    caption = "seen: texts that training has, but for case, punctuation and spacing; nearly: that resemble one"
    table = Table(title="other tasks", caption=caption, box=SIMPLE, padding=(0, 1), pad_edge=False)
    for at, heading in enumerate(headings):
        table.add_column(heading, justify="right" if at > 1 else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def leakage_line(run: Run) -> str:
    """One sentence on the overlap of the training texts with the run's own evaluation texts."""
    seen = run.get("leakage")
    if seen is None:
        return "leakage: not measured."
    return (
        f"leakage: of {seen['examples']:,} {run.get('split', 'test')} texts {seen['exact']:,} are in the training data "
        f"and {seen['near'] - seen['exact']:,} more nearly are (word pairs, Jaccard {seen['similarity']:g} or more)."
    )
