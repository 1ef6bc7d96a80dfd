"""uegr tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.table import Table

from uegr.cli.app import app
from uegr.cli.terminal import console


@app.command()
def tasks(name: Annotated[str | None, typer.Argument(help="Show all about this task.")] = None) -> None:
    """List the tasks that have a name and where each may be had, or tell all about one."""
    from uegr.data.named_tasks import sources
    from uegr.data.task_registry import TASKS

    if name is not None:
        console.print(_about(name))
        return
    table = Table("task", "metric", "train", "test", "to be had from", box=SIMPLE, pad_edge=False)
    for key, task in TASKS.items():
        found = sources(key, task)
        here = task.local_rows if found[:1] == ["UEGR_DATA"] and task.local_rows else task.rows
        counts = [_count(task.splits.get(split), here, task.rows) for split in ("train", "test")]
        table.add_row(key, task.metrics[0], *counts, ", ".join(found) or "–")
    console.print(table)
    console.print(
        "UEGR_DATA: a folder on this machine; package: installed; hub: the Hugging Face hub. Rows: here of those "
        "published, where the two differ. uegr tasks NAME tells more."
    )


def _about(name: str) -> Table:
    from uegr.data.named_tasks import sources
    from uegr.data.task_registry import find_task

    task = find_task(name)
    table = Table(box=SIMPLE, show_header=False, title=name)
    for label, value in {
        "kind": task.kind,
        "text": ", ".join(task.text),
        "classes": ", ".join(task.labels),
        "metrics": ", ".join(task.metrics),
        "rows": _rows(task.rows),
        "rows here": _rows(task.local_rows or {}),
        "splits": ", ".join(f"{ours} is the published {theirs}" for ours, theirs in task.splits.items()),
        "to be had from": ", ".join(sources(name, task)) or "UEGR_DATA only, and it is not there",
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


def _rows(splits: Mapping[str, int]) -> str:
    return ", ".join(f"{split} {count:,}" for split, count in splits.items())


def _count(split: str | None, here: Mapping[str, int], published: Mapping[str, int]) -> str:
    if split is None or split not in published:
        return "–"
    counted = f"{here[split]:,}" if split in here else "none"
    return counted if here.get(split) == published[split] else f"{counted} of {published[split]:,}"
