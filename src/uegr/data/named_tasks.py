"""Load a named task from the first source that has it: the folder UEGR_DATA, an installed package, the hub."""

from pathlib import Path

from datasets import ClassLabel, Dataset, Value

from uegr.data.data_folder import uegr_data
from uegr.data.file_readers import read_rows
from uegr.data.hub_datasets import read_hub_task
from uegr.data.splits import SPLITS
from uegr.data.task import Splits, Task
from uegr.data.task_data import TaskData, make_task
from uegr.data.task_registry import find_task
from uegr.errors import UsageError


def load_task(name: str) -> TaskData:
    """Load a task of the registry with its published splits."""
    task = find_task(name)
    published = published_splits(name, task)
    splits = {split: published[source] for split, source in task.splits.items() if source in published}
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
    """Return where the task is available from, in the order in which it is looked for: "UEGR_DATA", "package" (if it is
    installed), "hub" (if the hub has the task; whether the hub can be reached is not checked)."""
    available = {
        "UEGR_DATA": local_folder(name, task) is not None,
        "package": task.package is not None and task.package.installed,
        "hub": task.hub is not None,
    }
    return [source for source in available if available[source]]


def local_folder(name: str, task: Task) -> Path | None:
    """Return the folder of the task in UEGR_DATA, or None if it does not exist."""
    data = uegr_data()
    folder = None if data is None else data / (task.folder or name)
    return folder if folder is not None and folder.is_dir() else None


def published_splits(name: str, task: Task) -> Splits:
    """Load the published splits as "train", "validation" and "test"; the labels of some may be hidden."""
    folder = local_folder(name, task)
    if folder is not None:
        files = {split: folder / f"{split}.parquet" for split in SPLITS}
        return {split: _with_own_classes(read_rows(path)[0], task) for split, path in files.items() if path.exists()}
    if task.package is not None and (task.package.installed or task.hub is None):
        return task.package.splits()
    if task.hub is None:
        raise UsageError(f"task '{name}' is not on this machine: point UEGR_DATA at a folder that has it.")
    try:
        return read_hub_task(task.hub, task)
    except UsageError as error:
        if task.package is None:
            raise
        raise UsageError(f"{error} Without a hub: {task.package.command}") from error


def _with_own_classes(rows: Dataset, task: Task) -> Dataset:
    """The rows of a file, whose classes are those of the registry by number where the file has other names for them."""
    feature = rows.features.get(task.target)
    if isinstance(feature, ClassLabel) and {*feature.names} != {*task.labels}:
        return rows.cast_column(task.target, Value("int64"))
    return rows
