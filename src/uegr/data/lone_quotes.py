"""Double quotes of a TSV file that are characters of its texts, as in inches, and do not enclose cells."""

from pathlib import Path

from uegr.data.file_scan import Scan


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
