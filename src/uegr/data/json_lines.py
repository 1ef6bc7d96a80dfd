"""Read JSON: one object per line, or a list of objects; keys may be missing and come in any order.

A column has the type that fits all its values. Where they do not fit together (1 and "1"), the column is text, so that
a column that is not used cannot make a file unreadable.
"""

import itertools
import json
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa

from uegr.data.arrow_cache import BATCH
from uegr.data.data_report import Finding
from uegr.errors import UsageError

Kinds = frozenset[str]
TYPES: list[tuple[Kinds, Any]] = [
    (frozenset({"text"}), pa.string()),
    (frozenset({"flag"}), pa.bool_()),
    (frozenset({"whole number", "large whole number"}), pa.int64()),
    (frozenset({"whole number", "number"}), pa.float64()),
    (frozenset({"empty list", "list of text"}), pa.list_(pa.string())),
    (frozenset({"empty list", "list of whole number"}), pa.list_(pa.int64())),
    (frozenset({"empty list", "list of whole number", "list of number"}), pa.list_(pa.float64())),
]
"""Kinds of values, and the Arrow type that holds all of them exactly."""
EXACT = 2**53
"""Whole numbers up to this size are exact as a float."""


@dataclass
class Layout:
    """The columns of a file, from one pass over it.

    Args:
        kinds: column -> the kinds of its values.
        nuls, surrogates: number of texts with NUL characters, and with halves of a surrogate pair.
    """

    kinds: dict[str, set[str]] = field(default_factory=dict)
    nuls: int = 0
    surrogates: int = 0

    def type_of(self, column: str) -> Any:
        """The Arrow type of a column: text if its values do not fit together."""
        return next((arrow for fitting, arrow in TYPES if self.kinds[column] <= fitting), pa.string())

    def check_texts(self, name: str, columns: Collection[str]) -> None:
        """Refuse a column that is read as texts or classes and holds objects: their JSON would be taken for the text.

        Raises:
            UsageError: naming the column.
        """
        for column in columns:
            if {"object", "list of object"} & self.kinds.get(column, set()):
                raise UsageError(
                    f"column '{column}' of '{name}' holds objects and not texts: name another column, or write what "
                    "is meant in them as text."
                )

    def findings(self, name: str) -> list[Finding]:
        """What is changed when the file `name` is read."""
        findings = []
        if self.nuls:
            findings.append(Finding("nul", self.nuls, f"texts in {name} hold NUL characters: removed"))
        if self.surrogates:
            message = f"texts in {name} hold halves of surrogate pairs: replaced by U+FFFD"
            findings.append(Finding("surrogates", self.surrogates, message))
        for column, kinds in self.kinds.items():
            if not any(kinds <= fitting for fitting, _ in TYPES):
                verb = "mixes" if len(kinds) > 1 else "holds values of the kind"
                message = f"column '{column}' of {name} {verb} {' and '.join(sorted(kinds))}: read as text"
                findings.append(Finding("mixed", 1, message))
        return findings


def layout_of(path: Path, encoding: str) -> Layout:
    """Read the whole file once.

    Raises:
        UsageError: a line is not a JSON object; the message names it.
    """
    layout = Layout()
    for row in json_objects(path, encoding):
        for column, value in row.items():
            kinds = layout.kinds.setdefault(column, set())
            if value is not None:
                kinds.add(_kind(value))
            for text in value if isinstance(value, list) else [value]:
                if isinstance(text, str):
                    layout.nuls += "\0" in text
                    layout.surrogates += has_surrogates(text)
    return layout


def json_tables(path: Path, encoding: str, layout: Layout) -> Iterator[pa.Table]:
    """The rows as Arrow tables of one schema."""
    schema = pa.schema([(without_surrogates(column), layout.type_of(column)) for column in layout.kinds])
    rows = json_objects(path, encoding)
    while batch := list(itertools.islice(rows, BATCH)):
        columns = [
            pa.array([_as(kind.type, row.get(column)) for row in batch], kind.type)
            for column, kind in zip(layout.kinds, schema, strict=True)
        ]
        yield pa.table(columns, schema=schema)


def has_surrogates(text: str) -> bool:
    """Whether a text holds halves of surrogate pairs, which UTF-8 cannot write."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def without_surrogates(text: str) -> str:
    """The text with whole surrogate pairs as the character they stand for, and single halves as U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if has_surrogates(text) else text


def readable_text(text: str) -> str:
    """The text without NUL characters, which pandas and Arrow do not keep, and halves of surrogate pairs."""
    return without_surrogates(text.replace("\0", ""))


def json_objects(path: Path, encoding: str) -> Iterator[dict[str, Any]]:
    """The objects of a file as they are, one after another; a list is in memory as a whole."""
    with path.open(encoding=encoding, errors="replace", newline="\n") as file:
        is_list = path.suffix.lower() == ".json" and _begins_with_a_list(file)
        for place, row in _items_of_list(path, file) if is_list else _lines(path, file):
            if not isinstance(row, dict):
                raise UsageError(
                    f"{place} of '{path}' holds {json.dumps(row)[:40]}, and not an object: write objects such as "
                    '{"text": "...", "label": "..."}, one per line.'
                )
            yield row


def _begins_with_a_list(file: TextIO) -> bool:
    first = next((line.lstrip() for line in file if line.strip()), "")
    file.seek(0)
    return first.startswith("[")


def _lines(path: Path, file: TextIO) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            yield f"line {number}", json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UsageError(
                f"line {number} of '{path}' is not valid JSON ({error}): correct or remove it; an object must be on "
                "one line, or in a list in a .json file."
            ) from None


def _items_of_list(path: Path, file: TextIO) -> Iterator[tuple[str, Any]]:
    try:
        items = json.load(file)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"'{path}' is not valid JSON ({error}): correct it.") from None
    return ((f"item {number}", row) for number, row in enumerate(items, 1))


def _kind(value: Any) -> str:
    if isinstance(value, list):
        kinds = {_kind(item) for item in value}
        kinds = {"number"} if kinds == {"whole number", "number"} else kinds
        return f"list of {kinds.pop()}" if len(kinds) == 1 else "list of several kinds" if kinds else "empty list"
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int):
        return "whole number" if abs(value) <= EXACT else "large whole number" if abs(value) < 2**63 else "huge number"
    return {str: "text", float: "number", dict: "object"}.get(type(value), "null")


def _as(kind: Any, value: Any) -> Any:
    """The value in an Arrow type; in a column of text, other values are written as JSON."""
    if isinstance(value, str):
        return readable_text(value)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if kind == pa.string():
        return json.dumps(value, ensure_ascii=False)
    return [_as(kind.value_type, item) for item in value] if isinstance(value, list) else value
