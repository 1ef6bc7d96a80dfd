"""Read CSV, TSV, JSON and Parquet files in pieces, once, and map the result from disk."""

import csv
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from datasets import Dataset

from uegr.data.arrow_cache import BATCH, cache_path, cached_table
from uegr.data.data_report import Finding
from uegr.data.escaped_quotes import DoubledQuotes, has_escaped_quotes
from uegr.data.file_scan import Scan, scan_file
from uegr.data.json_lines import json_tables, layout_of
from uegr.data.lone_quotes import check_quoted_cells, has_lone_quotes
from uegr.data.parquet_classes import classes_of, with_classes
from uegr.data.row_checks import separator_fix
from uegr.errors import UsageError

SEPARATORS = {".csv": ",", ".tsv": "\t"}
JSON = (".jsonl", ".json")
ENDINGS = (*SEPARATORS, *JSON, ".parquet")
FIXES = {
    **dict.fromkeys((".gz", ".zip", ".bz2", ".xz", ".zst"), "unpack it first"),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "save the sheet as .csv"),
    ".arrow": "write it as Parquet, with Dataset.from_file(...).to_parquet(...)",
}
"""What to do with files that have other endings."""
SURPLUS = "\0surplus"
"""Name of the column that takes the fields of a row beyond the header's."""


@dataclass(frozen=True)
class Header:
    r"""First line of a CSV or TSV file.

    Args:
        columns: names of the columns, each once.
        repeated: those that were renamed, because an earlier column has the same name.
        records: number of records down to the header; a quoted cell of it may go on over several lines.
        separator, quoting: of the fields, as for `csv.reader`.
        escaped_quotes: quotes in a cell are written as \".
    """

    columns: list[str]
    repeated: list[str]
    records: int
    separator: str
    quoting: Literal[0, 3]
    escaped_quotes: bool


def read_rows(path: Path, columns: Collection[str] = ()) -> tuple[Dataset, list[Finding]]:
    """Read all rows of a file; the format is given by its suffix.

    Every column of CSV and TSV is text; only an empty cell is missing ("NA" and "null" are words). Rows are written
    once, as Arrow, to the cache under the hash of the file's content, and mapped from there: the file is never in
    memory as a whole.

    Args:
        path: the file.
        columns: those of texts and of labels, where they are known: in JSON they must not hold objects.

    Returns:
        The rows, and a finding for each problem that was repaired while reading.
    """
    check_file(path)
    ending = path.suffix.lower()
    try:
        scan = scan_file(path, binary=ending == ".parquet")
        tables, findings = _tables(path, scan, columns)
        rows = cached_table(cache_path(scan.digest, ending), tables)
    except UsageError:
        raise
    except pd.errors.EmptyDataError:
        raise UsageError(f"'{path}' is empty: give a file with a header line and at least one row.") from None
    except (ValueError, OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise UsageError(f"cannot read '{path}' as {ending[1:]} ({reason}): correct the file.") from error
    return rows, findings


def check_file(path: Path) -> None:
    """Refuse a path that is not a file of a known format.

    Raises:
        UsageError: with what to give instead.
    """
    ending = path.suffix.lower()
    if path.is_dir():
        raise UsageError(
            f"'{path}' is a folder: give a file. datasets.load_from_disk(...).to_parquet(...) writes one from it."
        )
    if ending not in ENDINGS:
        fix = FIXES.get(ending, f"its ending must be one of {', '.join(ENDINGS)}")
        raise UsageError(f"cannot read '{path}': {fix}.")
    if not path.is_file():
        raise UsageError(f"there is no file '{path}': check the path.")


def _tables(path: Path, scan: Scan, columns: Collection[str]) -> tuple[Iterator[pa.Table], list[Finding]]:
    """The rows of a file, and the findings about it."""
    findings = scan.findings(path.name)
    ending = path.suffix.lower()
    if ending == ".parquet":
        return _parquet_tables(path, scan), findings
    if ending in JSON:
        layout = layout_of(path, scan.encoding)
        if not layout.kinds:
            raise UsageError(f"'{path}' is empty: give a file with one object per line.")
        layout.check_texts(path.name, columns)
        return json_tables(path, scan.encoding, layout), findings + layout.findings(path.name)
    separator = SEPARATORS[ending]
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL
    is_escaped = has_escaped_quotes(path, scan, separator)
    if is_escaped:
        message = f'double quotes in {path.name} are written as \\" and not doubled: read as quotes'
        findings.append(Finding("escaped_quotes", scan.escapes, message))
    elif ending == ".tsv" and has_lone_quotes(path, scan):
        quoting = csv.QUOTE_NONE
        message = f"double quotes in {path.name}, not in pairs: read as plain characters"
        findings.append(Finding("quotes", scan.quotes, message))
    else:
        check_quoted_cells(path, scan, separator)
    header = _read_header(path, scan, separator, quoting, is_escaped)
    if header.repeated:
        message = f"columns of {path.name} have the name of another: read as {', '.join(header.repeated)}"
        findings.append(Finding("columns", len(header.repeated), message))
    return _delimited_tables(path, scan, header), findings


def _read_header(path: Path, scan: Scan, separator: str, quoting: Literal[0, 3], is_escaped: bool) -> Header:
    plain = partial(path.open, encoding=scan.encoding, errors="replace", newline="")
    with DoubledQuotes(path, scan) if is_escaped else plain() as file:
        numbered = enumerate(csv.reader(file, delimiter=separator, quoting=quoting), 1)
        cells = ((number, record) for number, record in numbered if record and not record[0].startswith("sep="))
        records, written = next(cells, (0, []))  # "sep=," is Excel's first line
    if not written:
        raise pd.errors.EmptyDataError
    columns, repeated = _unique(written)
    return Header(columns, repeated, records, separator, quoting, is_escaped)


def _delimited_tables(path: Path, scan: Scan, header: Header) -> Iterator[pa.Table]:
    columns, is_single = header.columns, len(header.columns) == 1
    # pandas before 3.1 cuts a cell at a NUL.
    source: Any = BytesIO(path.read_bytes().replace(b"\0", b"")) if scan.nuls else path
    if header.escaped_quotes:
        source = DoubledQuotes(path, scan)
    frames = pd.read_csv(
        source,
        sep=header.separator,
        header=None,
        skiprows=header.records,
        names=[*columns, SURPLUS],
        index_col=False,
        dtype=str,
        keep_default_na=False,
        na_values=[""],
        encoding=scan.encoding,
        encoding_errors="replace",
        quoting=header.quoting,
        chunksize=BATCH,
        skip_blank_lines=not is_single,  # in a file of one column, an empty line is a row without text
    )
    try:
        for frame in _without_last_blank_lines(frames) if is_single else frames:
            surplus = frame.pop(SURPLUS)
            filled = surplus.index[surplus.notna()]
            if len(filled):  # a comma at the end of every line leaves an empty field, which is ignored
                raise _too_many_fields(path, f"row {filled[0]}", len(columns) + 1, header)
            yield _table(frame, scan)
    except pd.errors.ParserError as error:
        fields = re.search(r"Expected \d+ fields in line (\d+), saw (\d+)", str(error))
        if fields is None:
            raise
        raise _too_many_fields(path, f"line {fields[1]}", int(fields[2]), header) from None


def _without_last_blank_lines(frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The pieces of a file of one column, without the empty lines at its end."""
    blank: list[pd.DataFrame] = []
    for number, frame in enumerate(frames):
        filled = np.flatnonzero(frame.notna().any(axis=1))
        end = int(filled[-1]) + 1 if len(filled) else 0
        if end or number == 0:  # a file without rows has columns
            yield from blank
            yield frame.iloc[:end].copy()
            blank = []
        if end < len(frame):
            blank.append(frame.iloc[end:].copy())


def _too_many_fields(path: Path, place: str, fields: int, header: Header) -> UsageError:
    name = "a comma" if header.separator == "," else "a tab"
    fix = separator_fix(header.columns) or f"put double quotes around every text that contains {name}"
    return UsageError(
        f"{place} of '{path}' has {fields} fields and the header has {len(header.columns)} "
        f"({', '.join(header.columns)}): {fix}."
    )


def _unique(header: list[str]) -> tuple[list[str], list[str]]:
    """The names of the columns, and those that repeat another; empty and repeated ones get a number, as in pandas."""
    names: list[str] = []
    repeated = []
    for position, text in enumerate(header):
        base = text.replace("\0", "").strip() or f"Unnamed: {position}"
        copies = sum(name == base or re.fullmatch(rf"{re.escape(base)}\.\d+", name) is not None for name in names)
        names.append(f"{base}.{copies}" if copies else base)
        repeated += names[-1:] if copies else []
    return names, repeated


def _parquet_tables(path: Path, scan: Scan) -> Iterator[pa.Table]:
    file = pq.ParquetFile(path)
    names = file.schema_arrow.names
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"'{path}' has several columns '{repeated}': rename all but one of them.")
    classes = classes_of(file)
    for batch in file.iter_batches(BATCH) if file.metadata.num_rows else [file.schema_arrow.empty_table()]:
        table = pa.table({name: _as_plain_strings(batch[name], scan) for name in batch.schema.names})
        yield with_classes(table, classes)


def _table(frame: pd.DataFrame, scan: Scan) -> pa.Table:
    """Convert one piece of a file to Arrow; missing values stay missing."""
    return pa.table(
        {str(name): _as_plain_strings(pa.array(frame[name], from_pandas=True), scan) for name in frame.columns}
    )


def _as_plain_strings(column: Any, scan: Scan) -> Any:
    """Convert text of any Arrow string type to plain strings, and remove NUL characters."""
    if pa.types.is_large_string(column.type) or pa.types.is_null(column.type):
        column = column.cast(pa.string())
    if scan.nuls and pa.types.is_string(column.type):
        column = pc.replace_substring(column, "\0", "")
    return column
