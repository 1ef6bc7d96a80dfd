r"""Quotes in the cells of a CSV or TSV file that are written as \" and not doubled, as Spark and MySQL write them."""

import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from uegr.data.file_scan import Scan

LONGEST_FIELD = 2**31 - 1
"""Of a cell, in characters; Python's own limit is 131,072."""
LINES = 1000
"""Number of lines that are read together."""
BACKSLASHES = re.compile(r'(\\+)"')


class DoubledQuotes(io.TextIOBase):
    r"""A text file in which \" is "", and \\ before a quote is one backslash; other backslashes stay as they are."""

    def __init__(self, path: Path, scan: Scan) -> None:
        self._file = path.open(encoding=scan.encoding, errors="replace", newline="")
        self._lines = (BACKSLASHES.sub(_doubled, line.replace("\0", "")) for line in self._file)

    def __iter__(self) -> Iterator[str]:  # type: ignore[override]
        return self._lines

    def read(self, size: int | None = -1) -> str:
        """The next lines, whatever the size; nothing at the end."""
        return "".join(itertools.islice(self._lines, LINES))

    def close(self) -> None:
        self._file.close()
        super().close()


def has_escaped_quotes(path: Path, scan: Scan, separator: str) -> bool:
    r"""Whether backslashes escape quotes: with them as escapes all rows are as wide as the header, and without not.

    A backslash may also be the last character of a text, as in "C:\dir\".
    """
    if not scan.escapes:
        return False
    with path.open(encoding=scan.encoding, errors="replace", newline="") as file:
        if _fits((line.replace("\0", "") for line in file), separator):
            return False
    with DoubledQuotes(path, scan) as file:
        return _fits(file, separator)


def _fits(lines: Iterable[str], separator: str) -> bool:
    """Whether every quoted cell ends at a separator and every row is as wide as the header, or one empty cell wider."""
    records = csv.reader(lines, delimiter=separator, strict=True)
    with long_fields():
        try:
            header = next((record for record in records if record and not record[0].startswith("sep=")), [])
            width = len(header)
            return all(len(record) in (0, width) or (len(record) == width + 1 and not record[-1]) for record in records)
        except csv.Error:
            return False


@contextmanager
def long_fields() -> Iterator[None]:
    """Let the `csv` module read cells of any length."""
    limit = csv.field_size_limit(LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _doubled(match: re.Match[str]) -> str:
    count = len(match[1])
    return "\\" * (count // 2) + ('""' if count % 2 else '"')
