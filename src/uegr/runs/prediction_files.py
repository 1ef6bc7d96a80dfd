"""The files of `uegr predict`: rows as they are given, and as they are written with what is predicted."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, TextIO

from datasets import Dataset

from uegr.data.file_readers import JSON
from uegr.data.file_scan import scan_file
from uegr.data.json_lines import json_objects, readable_text

PIECE = 2000
"""Number of rows that are predicted and written together."""


def given_rows(file: Path, rows: Dataset, output: Path) -> Iterator[list[Any]]:
    """The values of each row of a file; from JSON to JSON as they are in the file, with types and objects.

    Args:
        file: the file.
        rows: as they were read from it, each column with one type.
        output: the file to be written.
    """
    if output.suffix == ".jsonl" and file.suffix.lower() in JSON:
        for values in json_objects(file, scan_file(file).encoding):
            row = {readable_text(name): value for name, value in values.items()}
            yield [row.get(column) for column in rows.column_names]
    else:
        for piece in rows.iter(PIECE):
            yield from map(list, zip(*piece.values(), strict=True))


def renamed(columns: Sequence[str], taken: Sequence[str]) -> list[str]:
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
    return json.dumps(_writable(row), ensure_ascii=False, default=str, allow_nan=False)


def _writable(value: Any) -> Any:
    """The value with null for each NaN and infinity, which JSON does not have, and texts that UTF-8 can write."""
    if isinstance(value, dict):
        return {readable_text(name): _writable(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_writable(part) for part in value]
    if isinstance(value, str):
        return readable_text(value)
    return None if isinstance(value, float) and not isfinite(value) else value


WRITERS: dict[str, Callable[[TextIO, list[str]], Callable[[list[Any]], object]]] = {".csv": _csv, ".jsonl": _json_lines}
"""By the ending of the output."""
