"""A user's own files: CSV, TSV, JSON lines, Parquet. Read once in pieces, then mapped from disk."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash
from datasets import Dataset

from uegr.data.arrow_cache import BATCH, cache_path, cached_table
from uegr.data.findings import Finding
from uegr.errors import UsageError

BLOCK = 1 << 22
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
FALLBACK = "cp1252"
"""What text that is not UTF-8 is read as: Windows' encoding of Western languages, with every letter of Latin-1."""


@dataclass(frozen=True)
class Scan:
    """What one look at a file's bytes tells.

    Args:
        digest: hash of the content.
        encoding: of the text.
        undecodable: bytes that are not UTF-8, where the fallback is used.
        nuls, quotes: how many NUL characters and double quotes there are.
    """

    digest: str
    encoding: str
    undecodable: int
    nuls: int
    quotes: int


def read_rows(path: Path) -> tuple[Dataset, list[Finding]]:
    """All rows of a file, by its ending, and what was found and mended while reading.

    Every column of CSV and TSV is text; only an empty cell is missing ("NA" and "null" are words). Rows are
    written once as Arrow into the cache, under the hash of the file's content, and mapped from there: the file
    is never in memory as a whole.

    Raises:
        UsageError: no such file, an unknown ending, or a file that cannot be parsed.
    """
    if path.suffix not in READERS:
        raise UsageError(f"cannot read '{path}': its ending must be one of {', '.join(READERS)}.")
    if not path.is_file():
        raise UsageError(f"there is no file '{path}': check the path.")
    scan = _scan(path, binary=path.suffix == ".parquet")
    try:
        rows = cached_table(cache_path(scan.digest, path.suffix), READERS[path.suffix](path, scan))
    except pd.errors.EmptyDataError:
        raise UsageError(f"'{path}' is empty: give a file with a header line and at least one row.") from None
    except (ValueError, OSError, pa.ArrowException) as error:
        raise UsageError(f"cannot read '{path}' as {path.suffix[1:]}: {' '.join(str(error).split())}") from error
    return rows, _findings(path, scan)


def _findings(path: Path, scan: Scan) -> list[Finding]:
    found = []
    if scan.encoding == FALLBACK:
        found.append(Finding("encoding", scan.undecodable, f"bytes of {path.name} are not UTF-8: read as {FALLBACK}"))
    if scan.nuls:
        found.append(Finding("nul", scan.nuls, f"NUL characters in {path.name}: removed"))
    if path.suffix == ".tsv" and scan.quotes % 2:
        found.append(
            Finding("quotes", scan.quotes, f"double quotes in {path.name}, not in pairs: read as plain characters")
        )
    return found


def _scan(path: Path, *, binary: bool) -> Scan:
    """Hash the file and, where it is text, find its encoding and count what makes trouble, block by block."""
    digest, encoding, quotes, nuls, undecodable = xxhash.xxh3_128(), "utf-8", 0, 0, 0
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    with path.open("rb") as file:
        for number, block in enumerate(iter(lambda: file.read(BLOCK), b"")):
            digest.update(block)
            if binary:
                continue
            if number == 0:
                encoding = next((name for mark, name in BYTE_ORDER_MARKS.items() if block.startswith(mark)), encoding)
            quotes += block.count(b'"')
            nuls += block.count(b"\0") if encoding != "utf-16" else 0
            if encoding == "utf-8":
                undecodable += len(re.findall("[\udc80-\udcff]", decoder.decode(block)))
    return Scan(digest.hexdigest(), FALLBACK if undecodable else encoding, undecodable, nuls, quotes)


def _read_delimited(separator: str) -> Callable[[Path, Scan], Iterator[pa.Table]]:
    def read(path: Path, scan: Scan) -> Iterator[pa.Table]:
        literal = separator == "\t" and scan.quotes % 2 == 1
        frames = pd.read_csv(
            path,
            sep=separator,
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            encoding=scan.encoding,
            encoding_errors="replace",
            quoting=csv.QUOTE_NONE if literal else csv.QUOTE_MINIMAL,
            chunksize=BATCH,
        )
        yield from (_table(frame, scan) for frame in frames)

    return read


def _read_json_lines(path: Path, scan: Scan) -> Iterator[pa.Table]:
    frames = pd.read_json(path, lines=True, chunksize=BATCH, dtype=False, convert_dates=False, encoding=scan.encoding)
    yield from (_table(frame, scan) for frame in frames)


def _read_parquet(path: Path, scan: Scan) -> Iterator[pa.Table]:
    file = pq.ParquetFile(path)
    for batch in file.iter_batches(BATCH) if file.metadata.num_rows else [file.schema_arrow.empty_table()]:
        yield pa.table({name: _plain(batch[name], scan) for name in batch.schema.names})


READERS: dict[str, Callable[[Path, Scan], Iterator[pa.Table]]] = {
    ".csv": _read_delimited(","),
    ".tsv": _read_delimited("\t"),
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
}


def _table(frame: pd.DataFrame, scan: Scan) -> pa.Table:
    """One piece of a file as Arrow: what is missing there is missing here."""
    return pa.table({str(name): _plain(pa.array(frame[name], from_pandas=True), scan) for name in frame.columns})


def _plain(column: Any, scan: Scan) -> Any:
    """A column whose text is of Arrow's ordinary type and without NULs."""
    if pa.types.is_large_string(column.type) or pa.types.is_null(column.type):
        column = column.cast(pa.string())
    if scan.nuls and pa.types.is_string(column.type):
        column = pc.replace_substring(column, "\0", "")
    return column
