"""Data sets of the Hugging Face hub."""

from typing import Any

from datasets import ClassLabel, Dataset, DatasetDict, Value, load_dataset

from uegr.data.splits import SPLITS
from uegr.data.task import Hub, Splits, Task
from uegr.data.task_data import TaskData, make_task
from uegr.errors import UsageError


def read_hub(path: str, configuration: str | None = None) -> dict[str, Dataset]:
    """Load all splits of a data set of the hub, under the names they have there."""
    try:
        loaded = load_dataset(path, configuration)
    except Exception as error:  # the hub client raises a dozen types, which all mean the same to the user
        reason = next(iter(str(error).strip().splitlines()), "")[:200].rstrip(".")
        raise UsageError(
            f"data set '{path}' could not be loaded from the hub ({type(error).__name__}: {reason}): check its name "
            "and the connection, use --train_file with a local file, or point UEGR_DATA at a folder that has the task."
        ) from error
    assert isinstance(loaded, DatasetDict)
    return dict(loaded)


def read_hub_task(hub: Hub, task: Task) -> Splits:
    """Load the splits of a named task from the hub, with the column names and the class order of the registry."""
    splits = {hub.splits.get(split, split): rows for split, rows in read_hub(hub.path, hub.configuration).items()}
    return {
        split: _to_registry_form(rows, hub, task) for split, rows in splits.items() if split in task.splits.values()
    }


def _to_registry_form(rows: Dataset, hub: Hub, task: Task) -> Dataset:
    replaced = [column for column in hub.columns.values() if column in rows.column_names]
    rows = rows.remove_columns(replaced).rename_columns(dict(hub.columns))
    if task.kind != "classification":
        return rows
    feature = rows.features[task.target]
    rows = rows.cast_column(task.target, Value("string" if feature == Value("string") else "int64"))
    # If the hub names the classes, match them by name: their order may differ from the registry's.
    hub_names = feature.names if isinstance(feature, ClassLabel) else task.labels
    if {*hub_names} != {*task.labels}:
        hub_names = task.labels
    class_of = {key: task.labels.index(name) for i, name in enumerate(hub_names) for key in (i, name)}
    labelled = rows.filter(lambda label: label in class_of, input_columns=task.target)  # -1 means no gold label
    return labelled.map(lambda label: {task.target: class_of[label]}, input_columns=task.target).cast_column(
        task.target, Value("int64")
    )


def load_hub(name: str, *, text_column: str, text_pair_column: str | None, **options: Any) -> TaskData:
    """Load any data set of the hub as a task.

    Args:
        name: name of the data set; a configuration follows after a colon, as in "glue:sst2".
        text_column, text_pair_column: the columns of text.
        **options: passed to `uegr.data.task_data.make_task`.
    """
    path, _, configuration = name.partition(":")
    texts = (text_column,) if text_pair_column is None else (text_column, text_pair_column)
    splits = {split: rows for split, rows in read_hub(path, configuration or None).items() if split in SPLITS}
    return make_task(name, splits, text_columns=texts, **options)
