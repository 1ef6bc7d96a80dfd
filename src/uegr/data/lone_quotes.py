"""Double quotes of a CSV or TSV file that are characters of its texts, as in inches, and do not enclose cells."""

import csv
from pathlib import Path

from uegr.data.escaped_quotes import long_fields
from uegr.data.file_scan import Scan
from uegr.errors import UsageError


def has_lone_quotes(path: Path, scan: Scan) -> bool:
    """Whether the quotes of a TSV file are plain characters: read as those of cells, they would swallow rows.

    They are if their number is odd, or if a line has an odd number of them and every line is a row by its number of
    tabs: a quoted cell that goes on over several lines leaves lines with fewer. In a file of one column
    the lines do not show it.
    """
    if scan.quotes % 2:
        return True
    if not scan.quotes:
        return False
    tabs, is_odd = 0, False
    with path.open(encoding=scan.encoding, errors="replace") as file:
        for line in file:
            if line.isspace() or (not tabs and line.startswith("sep=")):
                continue
            tabs = tabs or line.count("\t")
            if not tabs or line.count("\t") != tabs:
                return False
            is_odd = is_odd or line.count('"') % 2 == 1
    return is_odd


def check_quoted_cells(path: Path, scan: Scan, separator: str) -> None:
    """Refuse a cell over several lines that does not end at a quote and a separator: it swallows the rows between.

    That is a text which begins with a quote, down to the next one that does.

    Raises:
        UsageError: with the lines.
    """
    if not scan.quotes:
        return
    with path.open(encoding=scan.encoding, errors="replace", newline="") as file, long_fields():
        records = csv.reader((line.replace("\0", "") for line in file), delimiter=separator, strict=True)
        while True:
            first = records.line_num + 1
            try:
                next(records)
            except StopIteration:
                return
            except csv.Error as error:
                if records.line_num > first:
                    is_at_end = "end of data" in str(error)
                    end = (
                        "nothing closes it"
                        if is_at_end
                        else f"the next one, in line {records.line_num}, does not close it"
                    )
                    raise UsageError(
                        f"a double quote opens a cell in line {first} of '{path}', and {end}: put double quotes around "
                        "the whole text and write those in it twice."
                    ) from None
