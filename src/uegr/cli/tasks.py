"""uegr tasks."""

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.table import Table

from uegr.cli.app import app
from uegr.cli.terminal import console


@app.command()
def tasks(
    name: Annotated[str | None, typer.Argument(help="A task: show its details. Default: list the tasks.")] = None,
) -> None:
    """List the named tasks and where each is available from, or show the details of one task."""
    from uegr.data.named_tasks import sources
    from uegr.data.task_registry import TASKS

    if name is not None:
        console.print(_details(name))
        return
    table = Table("task", "metric", "train", "test", "available from", box=SIMPLE, pad_edge=False)
    for key, task in TASKS.items():
        available = sources(key, task)
        local_rows = task.local_rows if available[:1] == ["UEGR_DATA"] and task.local_rows else task.rows
        counts = [_row_count(task.splits.get(split), local_rows, task.rows) for split in ("train", "test")]
        table.add_row(key, task.metrics[0], *counts, ", ".join(available) or "–")
    console.print(table)
    console.print(
        "UEGR_DATA: a folder on this machine; package: an installed Python package; hub: the Hugging Face hub. "
        '"9,977 of 120,000": rows on this machine and rows of the published data. uegr tasks NAME shows more.'
    )


def _details(name: str) -> Table:
    from uegr.data.named_tasks import sources
    from uegr.data.task_registry import find_task

    task = find_task(name)
    table = Table(box=SIMPLE, show_header=False, title=name)
    for label, value in {
        "kind": task.kind,
        "text": ", ".join(task.text),
        "classes": ", ".join(task.labels),
        "metrics": ", ".join(task.metrics),
        "rows": _rows_per_split(task.rows),
        "rows in UEGR_DATA": _rows_per_split(task.local_rows or {}),
        "splits": ", ".join(f"{split} is the published {published}" for split, published in task.splits.items()),
        "available from": ", ".join(sources(name, task)) or "UEGR_DATA only, and it is not there",
        "on the hub": " ".join(filter(None, (task.hub.path, task.hub.configuration))) if task.hub else "",
        "train on": task.stand_in or "",
        "source": task.source,
        "cite": task.cite,
        "licence": task.licence,
        "note": task.note,
    }.items():
        if value:
            table.add_row(label, value)
    return table


def _rows_per_split(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{split} {count:,}" for split, count in rows.items())


def _row_count(split: str | None, local_rows: Mapping[str, int], published: Mapping[str, int]) -> str:
    if split is None or split not in published:
        return "–"
    count = f"{local_rows[split]:,}" if split in local_rows else "none"
    return count if local_rows.get(split) == published[split] else f"{count} of {published[split]:,}"
