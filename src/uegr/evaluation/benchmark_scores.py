"""Scores of whole benchmarks, as the benchmarks themselves define them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from uegr.data.task_registry import find_task
from uegr.errors import UsageError

ADVGLUE = {
    "sst2": ("advglue_sst2",),
    "qqp": ("advglue_qqp",),
    "mnli": ("advglue_mnli", "advglue_mnli_mm"),
    "qnli": ("advglue_qnli",),
    "rte": ("advglue_rte",),
}
"""The five tasks, and the data sets of each."""


def advglue_score(metrics: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """AdvGLUE's score (Wang et al. 2021): the mean over tasks of the mean of a task's metrics.

    Args:
        metrics: registry name of each set ("advglue_sst2", ...) -> its metrics, as fractions.

    Returns:
        The score of each of the five tasks, and "advglue", their mean; fractions.
    """
    missing = [name for names in ADVGLUE.values() for name in names if name not in metrics]
    if missing:
        raise UsageError(
            f"AdvGLUE's score needs all of its tasks: measure {', '.join(missing)}, too (uegr evaluate RUN --on)."
        )

    def score(name: str) -> np.floating[Any]:
        return np.mean([metrics[name][metric] for metric in find_task(name).metrics])

    tasks = {task: float(np.mean([score(name) for name in names])) for task, names in ADVGLUE.items()}
    return {**tasks, "advglue": float(np.mean(list(tasks.values())))}


def measured_on(runs: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Task -> metrics, from runs of results.json, with the other tasks that they were measured on.

    Raises:
        UsageError: two runs are measured on one task, or a run on a part of a set of AdvGLUE.
    """
    metrics: dict[str, dict[str, float]] = {}
    for run in runs:
        for entry in [run, *run.get("transfer", [])]:
            if entry["task"] in metrics:
                raise UsageError(f"two runs are measured on '{entry['task']}': give one run for each task.")
            _check_whole(entry)
            metrics[entry["task"]] = entry["metrics"]
    return metrics


def _check_whole(entry: Mapping[str, Any]) -> None:
    """Refuse a set of AdvGLUE that was measured with `--on_examples`, or in a grid with `max_test_examples`."""
    name, measured = entry["task"], entry.get("test_examples")
    if measured is not None and any(name in names for names in ADVGLUE.values()):
        task = find_task(name)
        examples = task.rows[task.splits["test"]]
        if measured < examples:
            raise UsageError(
                f"AdvGLUE's score is that of whole sets, and '{name}' was measured on {measured} of its {examples} "
                f"texts: measure it again with uegr evaluate RUN --on {name}."
            )
