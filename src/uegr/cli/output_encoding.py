"""Print on streams whose encoding lacks some characters, such as a log file in Windows' code page 1252."""

import codecs
import io
from typing import TextIO

IN_ASCII = {"▲": "^", "▼": "v", "–": "-", "±": "+-", "×": "x", "…": "..."}
"""What is printed instead of the symbols in tables."""
ERRORS = "uegr.in_ascii"
REPLACED = ("strict", "backslashreplace")
"""Python's own ways for standard output and standard error."""


def print_every_character(*streams: TextIO | None) -> None:
    """Let the streams print a sign that they cannot encode in ASCII, and any other character as its number.

    Python's own way raises an error, which may come after hours of runs, with the table that they were for.
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
