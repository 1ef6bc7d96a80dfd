"""The tables of docs/tasks.md, from the registry of tasks and results/tasks.json."""

from __future__ import annotations

import json

from experiments.paths import RESULTS
from uegr.data.task_registry import TASKS
from uegr.modeling.metrics import METRICS


def task_table() -> str:
    """Every task of the registry, as Markdown."""
    results = json.loads((RESULTS / "tasks.json").read_text())["tasks"]
    lines = [
        "| task | rows: train / validation / test | metric | two steps | source | licence | cite |",
        "|---" * 7 + "|",
    ]
    for name, task in TASKS.items():
        rows = " / ".join(
            f"{task.rows[split]:,}" if split in task.rows else "–" for split in ("train", "validation", "test")
        )
        if task.local_rows is not None and dict(task.local_rows) != dict(task.rows):
            rows += " (here " + ", ".join(f"{split} {count:,}" for split, count in task.local_rows.items()) + ")"
        result = results.get(name)
        outcome = "not here" if result is None else METRICS[result["metric"]].text(result["value"])
        if result is not None and "trained_on" in result:
            outcome += f" (by {result['trained_on']})"
        hub = f"; hub `{' '.join(filter(None, (task.hub.path, task.hub.configuration)))}`" if task.hub else ""
        titles = ", ".join(METRICS[metric].title.removesuffix(" %") for metric in task.metrics)
        lines.append(
            f"| `{name}` | {rows} | {titles} | {outcome} | {task.source}{hub} | {task.licence} | {task.cite} |"
        )
    return "\n".join(lines)


def task_notes() -> str:
    """The notes on single tasks."""
    return "\n".join(f"- `{name}`: {task.note}." for name, task in TASKS.items() if task.note)
