"""A named task's rows, from the first source that has it: the folder UEGR_DATA, an installed package, the hub."""

from __future__ import annotations

import os
from pathlib import Path

from uegr.data.file_readers import read_rows
from uegr.data.hub_datasets import read_task
from uegr.data.task import Splits, Task
from uegr.data.task_data import TaskData, make_task
from uegr.data.task_registry import find_task
from uegr.errors import UsageError


def load_task(name: str) -> TaskData:
    """A task of the registry, with its published splits.

    Raises:
        UsageError: an unknown name, or no source that has it.
    """
    task = find_task(name)
    published = _published(name, task)
    splits = {ours: published[theirs] for ours, theirs in task.splits.items() if theirs in published}
    return make_task(
        name,
        splits,
        text_columns=task.text,
        label_column=task.target,
        label_names=task.labels or None,
        kind=task.kind,
        metrics=task.metrics,
        family=task.family,
    )


def sources(name: str, task: Task) -> list[str]:
    """Where the task may be had, the first on this machine first: "UEGR_DATA", "package" (if it is installed), "hub"
    (if the hub has it; whether it is in reach is not asked)."""
    package = task.package is not None and task.package.installed
    found = {"UEGR_DATA": local_folder(name, task) is not None, "package": package, "hub": task.hub is not None}
    return [source for source, there in found.items() if there]


def local_folder(name: str, task: Task) -> Path | None:
    """The task's folder under UEGR_DATA, if there is one."""
    if "UEGR_DATA" not in os.environ:
        return None
    folder = Path(os.environ["UEGR_DATA"]) / (task.folder or name)
    return folder if folder.is_dir() else None


def _published(name: str, task: Task) -> Splits:
    """The published splits under their common names; those with hidden labels may be among them."""
    folder = local_folder(name, task)
    if folder is not None:
        files = {split: folder / f"{split}.parquet" for split in ("train", "validation", "test")}
        return {split: read_rows(path)[0] for split, path in files.items() if path.exists()}
    if task.package is not None and (task.package.installed or task.hub is None):
        return task.package.splits()
    if task.hub is None:
        raise UsageError(f"task '{name}' is not on this machine: point UEGR_DATA at a folder that has it.")
    return read_task(task.hub, task)
