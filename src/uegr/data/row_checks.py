"""Check that rows have the columns, texts and labels that training needs. Rows are read in batches."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import ClassLabel, Dataset, Value
from numpy.typing import NDArray

from uegr.data.arrow_cache import arrow_batches
from uegr.data.data_report import Finding
from uegr.data.kind import Kind
from uegr.errors import UsageError, suggestion

TEXT_OPTIONS = ("--text_column", "--text_pair_column")
LABEL_OPTION = "--label_column"
"""The options that select the columns."""
NO_LABELS = "; for a text with none of the labels give a column of 0 and 1 per label, or [] in a JSON-lines file"
"""An empty cell of a CSV file does not say whether somebody has looked at the text."""


def check_rows(
    name: str,
    rows: Dataset,
    text_columns: Sequence[str],
    label_columns: Sequence[str],
    drop_empty: bool | None,
    kind: Kind | None = None,
) -> tuple[Dataset, list[Finding]]:
    """Check the rows of one split; every returned row has text and a label.

    Args:
        name: name of the split in error messages.
        rows: raw rows of one split.
        text_columns, label_columns: columns that must exist and have a value in every row.
        drop_empty: drop rows without text; otherwise they are an error. None: an error, and the user cannot drop them.
        kind: of the task, if there are labels. Empty text and NaN are no class. For other kinds an empty text may be a
            label, such as the empty set; an empty cell of a CSV file is no text but a missing label.

    Returns:
        The rows, with texts as strings, and what to report about them.

    Raises:
        UsageError: a column is missing, named twice or of another type, there are no rows, or one lacks text or label.
    """
    check_distinct(name, [*text_columns, *label_columns])
    rows = with_texts(name, rows, text_columns)
    check_columns(name, rows, label_columns, LABEL_OPTION)
    if kind == "seq2seq":  # the label is a text, too
        rows = _as_strings(name, rows, label_columns)
    if not len(rows):
        raise UsageError(f"{name} holds no rows: give a file or split with at least one example.")
    for column in label_columns:
        missing = _matching_rows(rows, [column], _is_no_class if kind == "classification" else pc.is_null)
        if len(missing):
            raise UsageError(
                f"{name}: {len(missing)} rows have no label in column '{column}' (the first is row {missing[0]}): "
                f"remove them or label them{NO_LABELS if kind == 'multi_label' else ''}."
            )
    empty = _matching_rows(rows, text_columns, _is_empty)
    if not len(empty):
        return rows, []
    columns = ", ".join(text_columns)
    if not drop_empty:
        raise UsageError(
            f"{name}: {len(empty)} rows have no text in column '{columns}' (the first is row {empty[0]}): remove "
            f"them{'' if drop_empty is None else ', or drop them with --drop_empty'}."
        )
    if len(empty) == len(rows):
        raise UsageError(
            f"{name}: every row is empty in column '{columns}': name the column of the texts with --text_column."
        )
    rows = rows.select(np.setdiff1d(np.arange(len(rows)), empty))
    return rows, [Finding("empty", len(empty), f"rows of {name} have no text: dropped")]


def with_texts(name: str, rows: Dataset, text_columns: Sequence[str]) -> Dataset:
    """Return the rows with their text columns as strings; a text may be empty or missing.

    Raises:
        UsageError: a column is missing, named twice or of another type.
    """
    check_distinct(name, text_columns)
    for column, option in zip(text_columns, TEXT_OPTIONS, strict=False):
        check_columns(name, rows, [column], option)
    return _as_strings(name, rows, text_columns)


def _as_strings(name: str, rows: Dataset, columns: Sequence[str]) -> Dataset:
    for column in columns:
        feature = rows.features[column]
        if not isinstance(feature, Value) or feature.dtype == "binary":
            raise UsageError(
                f"{name}: column '{column}' holds {_described(feature)} and not texts: join the words of a text with "
                "spaces, or name another column."
            )
        if feature != Value("string"):
            rows = rows.cast_column(column, Value("string"))
    return rows


def check_distinct(name: str, columns: Sequence[str]) -> None:
    """Raise a UsageError if a column is named for two purposes, such as text and label."""
    for column in columns:
        if columns.count(column) > 1:
            raise UsageError(
                f"{name}: column '{column}' is named twice: name another with {', '.join(TEXT_OPTIONS)} or "
                f"{LABEL_OPTION}."
            )


def check_columns(name: str, rows: Dataset, columns: Sequence[str], option: str) -> None:
    """Raise a UsageError that names the option if rows lack one of the columns; for `name` see `check_rows`."""
    for column in columns:
        if column not in rows.column_names:
            fix = separator_fix(rows.column_names) or f"choose one of {', '.join(rows.column_names)} with {option}"
            raise UsageError(f"{name} has no column '{column}'{suggestion(column, rows.column_names)}: {fix}.")


def _matching_rows(rows: Dataset, columns: Sequence[str], test: Callable[[pa.ChunkedArray], Any]) -> NDArray[np.int64]:
    """Return the indices of the rows for which the test is true in at least one of the columns."""
    indices, first_row = [], 0
    for table in arrow_batches(rows, columns):
        matches = np.zeros(table.num_rows, dtype=bool)
        for column in columns:
            matches |= np.asarray(test(table[column]))
        indices.append(first_row + np.flatnonzero(matches))
        first_row += table.num_rows
    return np.concatenate(indices)


def _is_empty(texts: pa.ChunkedArray) -> Any:
    return pc.equal(pc.fill_null(pc.utf8_trim_whitespace(texts), ""), "")


def _is_no_class(labels: pa.ChunkedArray) -> Any:
    if pa.types.is_string(labels.type) or pa.types.is_large_string(labels.type):
        return _is_empty(labels)
    return pc.is_null(labels, nan_is_null=True)


def separator_fix(columns: Sequence[str]) -> str:
    """The fix for a CSV file with another separator: it has one column, whose name holds the separator."""
    for separator in (";", "\t", "|"):
        if len(columns) == 1 and separator in columns[0]:
            return f"separate its fields by commas and not by {separator!r}, or by tabs in a .tsv file"
    return ""


def _described(feature: Any) -> str:
    if isinstance(feature, Value):
        return "bytes"
    return "objects" if isinstance(feature, dict) else "class numbers" if isinstance(feature, ClassLabel) else "lists"
