"""Data sets from the Hugging Face hub, where one is in reach."""

from __future__ import annotations

from typing import Any

from datasets import ClassLabel, Dataset, DatasetDict, Value, load_dataset

from uegr.data.task import Hub, Splits, Task
from uegr.data.task_data import TaskData, make_task
from uegr.errors import UsageError

COMMON = ("train", "validation", "test")


def read_hub(path: str, configuration: str | None = None) -> dict[str, Dataset]:
    """All splits of a hub data set, under their names there.

    Raises:
        UsageError: no such data set, or no hub in reach.
    """
    try:
        loaded = load_dataset(path, configuration)
    except Exception as error:  # the hub client raises a dozen kinds, all of which mean this to the user
        raise UsageError(
            f"data set '{path}' could not be loaded from the hub ({type(error).__name__}): check its name and the "
            "connection, use --train_file with a local file, or point UEGR_DATA at a folder that has the task."
        ) from error
    assert isinstance(loaded, DatasetDict)
    return dict(loaded)


def read_task(hub: Hub, task: Task) -> Splits:
    """A registry task's splits from the hub, under their common names, with our columns and order of classes."""
    splits = {hub.splits.get(split, split): rows for split, rows in read_hub(hub.path, hub.configuration).items()}
    return {split: _as_ours(rows, hub, task) for split, rows in splits.items() if split in task.splits.values()}


def _as_ours(rows: Dataset, hub: Hub, task: Task) -> Dataset:
    taken = [ours for ours in hub.columns.values() if ours in rows.column_names]
    rows = rows.remove_columns(taken).rename_columns(dict(hub.columns))
    if task.kind != "classification":
        return rows
    feature = rows.features[task.target]
    rows = rows.cast_column(task.target, Value("string" if feature == Value("string") else "int64"))
    # Class names, where the source has them, say more than its numbers: they may stand in another order.
    theirs = feature.names if isinstance(feature, ClassLabel) else task.labels
    if {*theirs} != {*task.labels}:
        theirs = task.labels
    ours = {key: task.labels.index(name) for i, name in enumerate(theirs) for key in (i, name)}
    labelled = rows.filter(lambda label: label in ours, input_columns=task.target)  # -1: no gold label
    return labelled.map(lambda label: {task.target: ours[label]}, input_columns=task.target).cast_column(
        task.target, Value("int64")
    )


def load_hub(name: str, *, text_column: str, text_pair_column: str | None, **options: Any) -> TaskData:
    """A task from any data set of the hub, by its columns; "glue:sst2" is data set glue, configuration sst2.

    Args:
        name: of the data set, and after a colon of its configuration.
        text_column, text_pair_column: columns of text.
        **options: as for `uegr.data.task_data.make_task`.
    """
    path, _, configuration = name.partition(":")
    texts = (text_column,) if text_pair_column is None else (text_column, text_pair_column)
    splits = {split: rows for split, rows in read_hub(path, configuration or None).items() if split in COMMON}
    return make_task(name, splits, text_columns=texts, **options)
