"""Print on streams whose encoding lacks some characters, such as a log file in Windows' code page 1252."""

import codecs
import io
from typing import TextIO

IN_ASCII = {"▲": "^", "▼": "v", "–": "-", "±": "+-", "×": "x", "…": "..."}
"""What is printed instead of the symbols in tables."""
ERRORS = "uegr.in_ascii"
REPLACED = ("strict", "backslashreplace")
"""Python's defaults for standard output and standard error."""


def print_every_character(*streams: TextIO | None) -> None:
    """Let the streams print a symbol that they cannot encode in ASCII, and any other such character as its number.

    By default Python raises an error, possibly after hours of runs, when their table is printed.
    """
    codecs.register_error(ERRORS, _in_ascii)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper) and stream.errors in REPLACED:
            stream.reconfigure(errors=ERRORS)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    escaped = (IN_ASCII.get(each) or each.encode("ascii", "backslashreplace").decode() for each in characters)
    return "".join(escaped), error.end
