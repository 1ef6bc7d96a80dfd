"""A user's own files: CSV, TSV, JSON lines, Parquet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from datasets import Dataset

from uegr.errors import UsageError
from uegr.tasks.data import TaskData, make_task

READERS: dict[str, Callable[..., pd.DataFrame]] = {
    ".csv": pd.read_csv,
    ".tsv": lambda path: pd.read_csv(path, sep="\t"),
    ".jsonl": lambda path: pd.read_json(path, lines=True),
    ".parquet": pd.read_parquet,
}


def read_rows(path: Path) -> Dataset:
    """All rows of a file, by its ending.

    Raises:
        UsageError: no such file, an unknown ending, or a file that cannot be parsed.
    """
    if path.suffix not in READERS:
        raise UsageError(f"cannot read '{path}': its ending must be one of {', '.join(READERS)}.")
    if not path.is_file():
        raise UsageError(f"there is no file '{path}': check the path.")
    try:
        frame = READERS[path.suffix](path)
    except pd.errors.EmptyDataError:
        raise UsageError(f"'{path}' is empty: give a file with a header line and at least one row.") from None
    except (ValueError, OSError) as error:
        raise UsageError(f"cannot read '{path}' as {path.suffix[1:]}: {error}") from error
    return Dataset.from_pandas(frame.astype(_objects(frame)), preserve_index=False)


def load_files(
    train_file: Path,
    validation_file: Path | None = None,
    test_file: Path | None = None,
    *,
    text_column: str = "text",
    text_pair_column: str | None = None,
    label_column: str = "label",
    drop_empty: bool = False,
) -> TaskData:
    """A task from a user's own files; missing splits are cut from the training file, stratified, seed 0."""
    files = {"train": train_file, "validation": validation_file, "test": test_file}
    splits = {split: read_rows(path) for split, path in files.items() if path is not None}
    texts = (text_column,) if text_pair_column is None else (text_column, text_pair_column)
    return make_task(train_file.stem, splits, text_columns=texts, label_column=label_column, drop_empty=drop_empty)


def _objects(frame: pd.DataFrame) -> dict[Any, Any]:
    """Text columns as plain objects, so that a missing text is None and not a float NaN."""
    return {column: object for column in frame.columns if pd.api.types.is_string_dtype(frame[column])}
