"""Load a user's own data from files, `datasets.Dataset` objects or pandas frames."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TypeAlias

import pandas as pd
import pyarrow as pa
from datasets import Dataset, DatasetDict

from uegr.data.data_report import Finding, log_findings
from uegr.data.file_readers import read_rows
from uegr.data.json_lines import has_surrogates, without_surrogates
from uegr.data.kind import Kind
from uegr.data.splits import SPLITS
from uegr.data.task_data import TaskData, make_task
from uegr.errors import UsageError, shown

Rows: TypeAlias = Path | str | Dataset | pd.DataFrame


def load_files(
    train: Rows,
    validation: Rows | None = None,
    test: Rows | None = None,
    *,
    name: str | None = None,
    text_column: str = "text",
    text_pair_column: str | None = None,
    label_column: str = "label",
    kind: Kind = "classification",
    metrics: Sequence[str] | None = None,
    drop_empty: bool = False,
    label_separator: str = ",",
    positive_label: str | None = None,
) -> TaskData:
    """Load a user's own rows; missing splits are cut from the training rows, stratified, with seed 0.

    Args:
        train, validation, test: each a path (CSV, TSV, JSON, Parquet), a Dataset or a DataFrame.
        name: name of the task in results; None takes the name of the training file.
        text_column, text_pair_column, label_column: columns to read; see `uegr.data.task_data.make_task`.
        kind, metrics, drop_empty, label_separator, positive_label: see `make_task` as well.

    Raises:
        UsageError: the rows cannot be used; the message says why.
    """
    findings: list[Finding] = []
    splits = {}
    columns = [text_column, label_column, *([] if text_pair_column is None else [text_pair_column])]
    for split, rows in zip(SPLITS, (train, validation, test), strict=True):
        if rows is not None:
            splits[split], new_findings = rows_and_findings(rows, columns)
            findings += new_findings
    return make_task(
        name or (Path(train).stem if isinstance(train, Path | str) else "own"),
        splits,
        text_columns=(text_column,) if text_pair_column is None else (text_column, text_pair_column),
        label_column=label_column,
        kind=kind,
        metrics=metrics,
        drop_empty=drop_empty,
        label_separator=label_separator,
        positive_label=positive_label,
        findings=findings,
    )


def rows_and_findings(rows: Rows, columns: Collection[str] = ()) -> tuple[Dataset, list[Finding]]:
    """Return the rows of a file, a `datasets.Dataset` or a pandas frame, and the findings of reading them; for
    `columns` see `read_rows`."""
    if isinstance(rows, Path | str):
        return read_rows(Path(rows), columns)
    if isinstance(rows, pd.DataFrame):
        return _rows_of_frame(rows)
    if isinstance(rows, Dataset):
        return rows, []
    if isinstance(rows, DatasetDict):
        raise UsageError(f"the data has splits ({', '.join(map(str, rows))}): give one of them, such as data['test'].")
    raise UsageError(f"cannot read rows from {shown(rows)}: give a path, a Dataset or a pandas DataFrame.")


def rows_of(rows: Rows, columns: Collection[str] = ()) -> Dataset:
    """Return the same rows, and log the findings: for rows that no run keeps a report of."""
    read, findings = rows_and_findings(rows, columns)
    log_findings(findings)
    return read


def _rows_of_frame(frame: pd.DataFrame) -> tuple[Dataset, list[Finding]]:
    frame = frame.rename(columns=str)
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise UsageError(f"the frame has several columns '{repeated[0]}': rename all but one of them.")
    findings = []
    # With the dtype object, a missing text is None and not a float NaN.
    texts = {column: object for column in frame.columns if pd.api.types.is_string_dtype(frame[column])}
    frame = frame.astype(texts)
    for column in texts:
        broken = frame[column].map(lambda text: isinstance(text, str) and has_surrogates(text))
        if broken.any():
            message = f"texts in column '{column}' hold halves of surrogate pairs: replaced by U+FFFD"
            findings.append(Finding("surrogates", int(broken.sum()), message))
            frame[column] = frame[column].where(~broken, frame.loc[broken, column].map(without_surrogates))
    try:
        return Dataset.from_pandas(frame, preserve_index=False), findings
    except (pa.ArrowException, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"the frame cannot be read: {reason}; give each of its columns one type.") from error
