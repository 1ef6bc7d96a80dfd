"""Print on streams whose encoding lacks some characters, such as a log file in Windows' code page 1252."""

import codecs
import io
from typing import TextIO

IN_ASCII = {"▲": "^", "▼": "v", "–": "-", "±": "+-", "×": "x", "…": "..."}
"""What is printed instead of the symbols in tables."""
IN_ASCII_ONLY, WITH_BYTES = "uegr.in_ascii", "uegr.in_ascii_with_bytes"
HANDLERS = {"strict": IN_ASCII_ONLY, "backslashreplace": IN_ASCII_ONLY, "surrogateescape": WITH_BYTES}
"""Python's error handlers of standard output and standard error -> what they are replaced by."""


def print_every_character(*streams: TextIO | None) -> None:
    """Let the streams print a symbol that they cannot encode in ASCII, and any other such character as its number.

    By default Python raises an error, possibly after hours of runs, when their table is printed. In the POSIX locale it
    prints the bytes of a file's name that are no text as they are; this stays so.
    """
    codecs.register_error(IN_ASCII_ONLY, _in_ascii)
    codecs.register_error(WITH_BYTES, _in_ascii_with_bytes)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper) and stream.errors in HANDLERS:
            stream.reconfigure(errors=HANDLERS[stream.errors])


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    return IN_ASCII.get(character) or character.encode("ascii", "backslashreplace").decode(), error.start + 1


def _in_ascii_with_bytes(error: UnicodeError) -> tuple[str | bytes, int]:
    if isinstance(error, UnicodeEncodeError) and "\udc80" <= error.object[error.start] <= "\udcff":
        return bytes([ord(error.object[error.start]) - 0xDC00]), error.start + 1
    return _in_ascii(error)
