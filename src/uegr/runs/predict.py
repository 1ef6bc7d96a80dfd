"""Predict the texts of a file, piece by piece, so that the file may be larger than memory."""

import csv
import json
from collections import Counter
from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from uegr.atomic_files import replacement
from uegr.data.file_readers import check_file
from uegr.data.kind import KIND_TITLES
from uegr.data.row_checks import check_rows
from uegr.data.user_data import rows_of
from uegr.errors import UsageError
from uegr.evaluation.temperature import fit_temperature
from uegr.runs.open_classifier import OpenedClassifier
from uegr.runs.predicted_columns import ABSTAINED, columns_of

PIECE = 2000
"""Number of rows that are predicted and written together."""


def predict_file(
    classifier: OpenedClassifier,
    file: Path,
    output: Path,
    *,
    abstain_below: float = 0.0,
    temperature: float = 1.0,
    on_rows: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, int]:
    """Write one line per row of a file: its columns, and what the model predicts.

    A classifier predicts the label, the confidence, and the probability of each class; a model for regression a number;
    a model for several labels per text the labels, and the probability of each. A column of the file that has the name
    of a prediction, such as "label" in a labelled file, is written as "given_label".

    Args:
        classifier: the model.
        file: CSV, TSV, JSON or Parquet, with the columns of text that the model reads.
        output: .csv or .jsonl; written under another name and moved into place at the end.
        abstain_below: the label is left empty where the confidence is below this, in [0, 1].
        temperature: divides the logits; see `calibrated_temperature`.
        on_rows: called after each piece.

    Returns:
        Number of rows per label, or per set of labels, joined by commas; the key of the rows without a label, as all
        are in regression, is `ABSTAINED`.

    Raises:
        UsageError: a file cannot be read or written, a row has no text, or `abstain_below` does not fit.
    """
    check_files(file, output)
    columns = columns_of(classifier, abstain_below=abstain_below, temperature=temperature)
    text_columns = classifier.evaluated.text_columns
    rows, _ = check_rows(file.name, rows_of(file, text_columns), text_columns, (), drop_empty=None)
    header = [*_renamed(rows.column_names, columns.header), *columns.header]
    counts = Counter(dict.fromkeys(columns.labels, 0))
    with replacement(output) as opened:
        write = WRITERS[output.suffix](opened, header)
        for start in range(0, len(rows), PIECE):
            piece = rows.select(range(start, min(start + PIECE, len(rows))))
            given = list(zip(*(piece[column][:] for column in rows.column_names), strict=True))
            for row, cells in zip(given, columns.cells(classifier.logits(piece)), strict=True):
                counts[cells[0] if columns.has_labels else ABSTAINED] += 1
                write([*row, *cells])
            on_rows(start + len(piece), len(rows))
    return dict(counts)


def check_files(file: Path, output: Path, calibrate_on: Path | None = None) -> None:
    """Refuse a file that cannot be read or written by its name, before a model is opened for it.

    Raises:
        UsageError: naming the file.
    """
    check_file(file)
    if output.suffix not in WRITERS:
        raise UsageError(f"cannot write '{output}': its ending must be one of {', '.join(WRITERS)}.")
    if output.is_dir():
        raise UsageError(f"'{output}' is a folder: name a file with --output.")
    for path, purpose in ((file, "file of the texts"), (calibrate_on, "file to calibrate on")):
        if path is not None and output.resolve() == path.resolve():
            raise UsageError(f"'{output}' is the {purpose}: name another with --output.")


def calibrated_temperature(classifier: OpenedClassifier, file: Path | None, label_column: str) -> float:
    """Return the temperature that calibrates a classifier on a labelled file or on the validation split of a run.

    It is 1.0 where the run's own split decides none: the model is right on all of it, or it has one class only.

    Raises:
        UsageError: the file does not determine a temperature, or the model is not a classifier.
    """
    kind = classifier.evaluated.kind
    if kind != "classification":
        title = KIND_TITLES[kind]
        raise UsageError(
            f"confidences are those of classifiers, and this is a model for {title}: nothing to calibrate."
        )
    rows = classifier.labelled_rows(file, "validation", label_column)
    temperature = fit_temperature(classifier.logits(rows), np.asarray(rows["label"][:]))
    if temperature is None and file is not None:
        raise UsageError(
            f"'{file}' cannot calibrate the confidences: give more labelled texts, of all classes, on some of which "
            "the model is wrong."
        )
    return 1.0 if temperature is None else temperature


def _renamed(columns: Sequence[str], taken: Sequence[str]) -> list[str]:
    """Return names for the columns of a file that are not taken: "given_" is put before a taken one."""
    names: list[str] = []
    for column in columns:
        name = column
        while name in taken or name in names or (name != column and name in columns):
            name = f"given_{name}"
        names.append(name)
    return names


def _csv(file: TextIO, header: list[str]) -> Callable[[list[Any]], object]:
    writer = csv.writer(file)
    writer.writerow(header)
    return writer.writerow


def _json_lines(file: TextIO, header: list[str]) -> Callable[[list[Any]], object]:
    return lambda values: file.write(_as_json(dict(zip(header, values, strict=True))) + "\n")


def _as_json(row: dict[str, Any]) -> str:
    # Dates and bytes of a Parquet file are written as text.
    return json.dumps(_without_infinities(row), ensure_ascii=False, default=str, allow_nan=False)


def _without_infinities(value: Any) -> Any:
    """The value with null for each NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {name: _without_infinities(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_infinities(part) for part in value]
    return None if isinstance(value, float) and not isfinite(value) else value


WRITERS: dict[str, Callable[[TextIO, list[str]], Callable[[list[Any]], object]]] = {".csv": _csv, ".jsonl": _json_lines}
