"""Read CSV, TSV, JSON lines and Parquet files in pieces, once, and map the result from disk."""

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
from uegr.data.data_report import Finding
from uegr.errors import UsageError

BLOCK = 1 << 22
"""Bytes that are scanned at a time."""
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
FALLBACK = "cp1252"
"""Encoding of text that is not UTF-8: Windows' encoding of Western languages, which has all letters of Latin-1."""


@dataclass(frozen=True)
class Scan:
    """Result of one pass over the bytes of a file.

    Args:
        digest: hash of the content.
        encoding: encoding of the text.
        undecodable: number of bytes that are not UTF-8; above 0 the fallback encoding is used.
        nuls, quotes: number of NUL characters and of double quotes.
    """

    digest: str
    encoding: str
    undecodable: int
    nuls: int
    quotes: int


def read_rows(path: Path) -> tuple[Dataset, list[Finding]]:
    """Read all rows of a file; the format is given by its suffix.

    Every column of CSV and TSV is text; only an empty cell is missing ("NA" and "null" are words). Rows are written
    once, as Arrow, to the cache under the hash of the file's content, and mapped from there: the file is never in
    memory as a whole.

    Returns:
        The rows, and a finding for each problem that was repaired while reading.
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
    findings = []
    if scan.encoding == FALLBACK:
        findings.append(
            Finding("encoding", scan.undecodable, f"bytes of {path.name} are not UTF-8: read as {FALLBACK}")
        )
    if scan.nuls:
        findings.append(Finding("nul", scan.nuls, f"NUL characters in {path.name}: removed"))
    if path.suffix == ".tsv" and scan.quotes % 2:
        findings.append(
            Finding("quotes", scan.quotes, f"double quotes in {path.name}, not in pairs: read as plain characters")
        )
    return findings


def _scan(path: Path, *, binary: bool) -> Scan:
    """Hash the file block by block; of a text file, also find the encoding and count NUL characters and quotes."""
    digest, encoding, quotes, nuls, undecodable = xxhash.xxh3_128(), "utf-8", 0, 0, 0
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    with path.open("rb") as file:
        for index, block in enumerate(iter(lambda: file.read(BLOCK), b"")):
            digest.update(block)
            if binary:
                continue
            if index == 0:
                encoding = next((name for mark, name in BYTE_ORDER_MARKS.items() if block.startswith(mark)), encoding)
            quotes += block.count(b'"')
            nuls += block.count(b"\0") if encoding != "utf-16" else 0
            if encoding == "utf-8":
                undecodable += len(re.findall("[\udc80-\udcff]", decoder.decode(block)))
    return Scan(digest.hexdigest(), FALLBACK if undecodable else encoding, undecodable, nuls, quotes)


def _read_delimited(separator: str) -> Callable[[Path, Scan], Iterator[pa.Table]]:
    def read(path: Path, scan: Scan) -> Iterator[pa.Table]:
        plain_quotes = separator == "\t" and scan.quotes % 2 == 1
        frames = pd.read_csv(
            path,
            sep=separator,
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            encoding=scan.encoding,
            encoding_errors="replace",
            quoting=csv.QUOTE_NONE if plain_quotes else csv.QUOTE_MINIMAL,
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
        yield pa.table({name: _as_plain_strings(batch[name], scan) for name in batch.schema.names})


READERS: dict[str, Callable[[Path, Scan], Iterator[pa.Table]]] = {
    ".csv": _read_delimited(","),
    ".tsv": _read_delimited("\t"),
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
}


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
