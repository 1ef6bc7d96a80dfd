"""Lists that a program has printed into a cell of a table, as Python or NumPy writes them."""

import ast
import re
from typing import Any

from uegr.errors import UsageError

NUMBERS = re.compile(r"\[(?:[\d.\s+-]|True|False)*\]")
STRINGS = re.compile(r"\[\s*(?:(?:'[^']*'|\"[^\"]*\")\s*)+\]")
"""NumPy writes no commas: Python would read 'a' 'b' as one text."""


def is_printed_list(text: str) -> bool:
    """Whether a text is a list, a tuple or a set as Python or NumPy prints it."""
    return re.fullmatch(r"\s*(\[.*\]|\(.*\)|\{.*\})\s*", text, re.DOTALL) is not None


def read_printed_list(text: str, where: str) -> list[Any]:
    """The entries of a printed list.

    Args:
        text: as printed.
        where: the file and row, for the error.

    Raises:
        UsageError: the text is not a printed list.
    """
    text = text.strip()
    if NUMBERS.fullmatch(text):
        return [number.rstrip(".") for number in text[1:-1].split()]
    if STRINGS.fullmatch(text):
        return [first or second for first, second in re.findall(r"'([^']*)'|\"([^\"]*)\"", text)]
    try:
        return list(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise UsageError(f"{where} holds {text!r}, which is not a list of labels: correct the row.") from None
