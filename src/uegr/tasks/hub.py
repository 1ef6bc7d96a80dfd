"""Data sets from the Hugging Face hub, where one is in reach."""

from __future__ import annotations

from datasets import Dataset, DatasetDict, load_dataset

from uegr.errors import UsageError
from uegr.tasks.data import TaskData, make_task


def read_hub(name: str) -> dict[str, Dataset]:
    """The labelled splits of a hub data set; "glue:sst2" is data set glue, configuration sst2.

    Raises:
        UsageError: no such data set, or no hub in reach.
    """
    path, _, configuration = name.partition(":")
    try:
        loaded = load_dataset(path, configuration or None)
    except Exception as error:  # the hub client raises a dozen kinds, all of which mean this to the user
        raise UsageError(
            f"data set '{name}' could not be loaded from the hub ({type(error).__name__}): check its name and the "
            "connection, or use --train_file with a local file."
        ) from error
    assert isinstance(loaded, DatasetDict)
    return {split: rows for split, rows in loaded.items() if split in ("train", "validation", "test")}


def load_hub(
    name: str,
    *,
    text_column: str = "text",
    text_pair_column: str | None = None,
    label_column: str = "label",
    drop_empty: bool = False,
) -> TaskData:
    """A task from any data set of the hub, by its columns."""
    texts = (text_column,) if text_pair_column is None else (text_column, text_pair_column)
    return make_task(name, read_hub(name), text_columns=texts, label_column=label_column, drop_empty=drop_empty)
