"""Encode sets of labels (multi-label) as C floats 0 or 1 per row."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from datasets import Dataset

from uegr.data.arrow_cache import arrow_batches
from uegr.data.label_encoding import in_order, label_text, names_of_lists, unseen_labels, with_labels
from uegr.data.printed_lists import is_printed_list, read_printed_list
from uegr.data.splits import reference_split
from uegr.errors import UsageError

FLAGS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
"""What a cell for one label may hold, whatever its case."""
MOST_LISTS = 0.9
"""This share of the lists must look like 0 or 1 for each label before the others are taken for faults."""


def encode_label_sets(
    name: str,
    splits: dict[str, Dataset],
    label_columns: Sequence[str],
    separator: str,
    text_columns: Sequence[str],
) -> tuple[tuple[str, ...], dict[str, Dataset]]:
    """Return the names of the labels, and the rows with C floats in the column "label".

    Args:
        name: name of the task in error messages.
        splits: the raw rows.
        label_columns: several columns of 0 and 1; or one column of lists of names, of lists of 0 and 1 of equal
            length, or of texts that hold such lists or names with a separator between them. For how lists of numbers
            are read see `vector_length`.
        separator: separates the names in such a text.
        text_columns: the columns to keep besides the labels.

    Returns:
        The names, and the rows of each split.

    Raises:
        UsageError: a row holds a value that cannot be a label, or a label that the training rows lack, or there are
            fewer than two labels.
    """
    if not separator:
        raise UsageError("label_separator is empty: give the symbol between two labels, or leave it out.")
    if len(label_columns) > 1:
        names = list(label_columns)
        sets = {split: _sets_of_columns(f"{name} ({split})", rows, names) for split, rows in splits.items()}
    else:
        names, sets = _sets_of_column(name, splits, label_columns[0], separator)
    if len(names) < 2:
        raise UsageError(
            f"{name}: the training rows hold {len(names)} different labels; multi-label needs at least two: separate "
            f"them with '{separator}', or give another --label_separator."
        )
    column_of = {label: i for i, label in enumerate(names)}
    encoded = {}
    for split, rows in splits.items():
        matrix = np.zeros((len(rows), len(names)), dtype=np.float32)
        for row, labels in enumerate(sets[split]):
            for label in labels:
                if label not in column_of:
                    count = sum(label in label_set for label_set in sets[split])
                    raise unseen_labels(f"{name} ({split})", {label: count}, row, names)
                matrix[row, column_of[label]] = 1.0
        encoded[split] = with_labels(rows, matrix, text_columns)
    return tuple(names), encoded


def _sets_of_columns(name: str, rows: Dataset, columns: Sequence[str]) -> list[list[str]]:
    """The columns that are 1 in each row."""
    sets: list[list[str]] = []
    for table in arrow_batches(rows, columns):
        for row in table.to_pylist():
            flags = {column: label_flag(row[column]) for column in columns}
            for column, flag in flags.items():
                if flag is None:
                    raise UsageError(
                        f"{name}: column '{column}' holds {row[column]!r} in row {len(sets)}: a column of one label "
                        "must hold 0 or 1."
                    )
            sets.append([column for column, flag in flags.items() if flag])
    return sets


def _sets_of_column(
    name: str, splits: dict[str, Dataset], column: str, separator: str
) -> tuple[list[str], dict[str, list[list[str]]]]:
    """The names of all labels, and the set of each row, from one column."""
    lists = lists_of_labels(name, splits, column, separator)
    first = splits[reference_split(splits)]
    classes = names_of_lists(first, column)
    length = vector_length([value for rows in lists.values() for value in rows], len(classes))
    if length:
        names = classes or [str(i) for i in range(length)]
        flags = {split: flags_of_vectors(f"{name} ({split})", rows, length) for split, rows in lists.items()}
        return names, {
            split: [[label for label, on in zip(names, row, strict=True) if on] for row in rows]
            for split, rows in flags.items()
        }
    sets = {}
    for split, rows in lists.items():
        split_classes = names_of_lists(splits[split], column)
        sets[split] = [names_of_labels(value, split_classes) for value in rows]
    return classes or in_order({label for row in sets[reference_split(sets)] for label in row}), sets


def lists_of_labels(
    name: str, splits: dict[str, Dataset], column: str, separator: str = ","
) -> dict[str, list[list[Any]]]:
    """The labels of each row as a list: lists, lists printed into texts, or names with a separator between them."""
    values = {
        split: [value for table in arrow_batches(rows, [column]) for value in table[column].to_pylist()]
        for split, rows in splits.items()
    }
    printed = all(is_printed_list(value) for rows in values.values() for value in rows if isinstance(value, str))
    return {
        split: [_as_list(f"{name} ({split})", row, value, separator, printed) for row, value in enumerate(rows)]
        for split, rows in values.items()
    }


def names_of_labels(labels: list[Any], classes: list[str]) -> list[str]:
    """The names in a list of names, or of numbers of `classes`."""
    named = (classes[label] if classes and isinstance(label, int) else label_text(label) for label in labels)
    return [name for name in named if name]


def label_flag(value: Any) -> bool | None:
    """Whether a cell for one label says yes (1, true, yes) or no (0, false, no); None for any other."""
    return FLAGS.get(label_text(value).lower().removesuffix(".0"))


def _as_list(name: str, row: int, value: Any, separator: str, printed: bool) -> list[Any]:
    if isinstance(value, list | dict):
        if isinstance(value, dict) or any(label is None or isinstance(label, (list, dict)) for label in value):
            raise UsageError(
                f"{name}: the labels of row {row} are {value!r}: give a list of 0 and 1 for each of the "
                "labels, or a list of their names."
            )
        return value
    if not isinstance(value, str):
        return [value]
    if not printed:
        return [part for part in value.split(separator) if part.strip()]
    return read_printed_list(value, f"{name}: row {row}")


def vector_length(lists: list[list[Any]], classes: int = 0) -> int:
    """The number of labels where lists hold 0 or 1 for each label, or 0 where they are sets of names or of numbers.

    They hold 0 or 1 for each label if all numbers are from 0 to 1, and all lists have one length, at least 2, or a list
    repeats a number, which a set does not: [0, 1] and [1] are sets. Some lists may deviate, which `flags_of_vectors`
    refuses: it is enough that 9 of 10 have one length and numbers from 0 to 1, and that one of these repeats a number.

    Args:
        lists: the labels of all rows.
        classes: the number of labels, where a `ClassLabel` names them.
    """
    shares = [[_share(label) for label in labels] for labels in lists]
    fitting = [row for row in shares if None not in row]
    length, count = Counter(map(len, fitting)).most_common(1)[0] if fitting else (0, 0)
    if length < 2 or classes not in {0, length}:
        return 0
    is_repeated = any(len({*row}) < len(row) for row in fitting)
    are_most = len(fitting) == len(lists) or count >= MOST_LISTS * len(lists)
    return length if count == len(lists) or (is_repeated and are_most) else 0


def flags_of_vectors(name: str, lists: list[list[Any]], length: int) -> list[list[bool]]:
    """Whether each label is on, in lists of 0 and 1.

    Args:
        name: name of the rows in error messages.
        lists: the labels of each row.
        length: the number of labels.

    Raises:
        UsageError: a list has another length, or holds another value.
    """
    flags = []
    for row, labels in enumerate(lists):
        flags_of_row = [label_flag(label) for label in labels]
        if len(labels) != length or None in flags_of_row:
            fault = f"{len(labels)} values" if len(labels) != length else repr(labels[flags_of_row.index(None)])
            raise UsageError(
                f"{name}: row {row} holds {fault}, and the lists are read as 0 or 1 for each of {length} labels: "
                "correct or remove that row, or give the names of the labels in all rows."
            )
        flags.append([bool(flag) for flag in flags_of_row])
    return flags


def _share(label: Any) -> float | None:
    """A label as a number from 0 to 1; None for any other."""
    flag = label_flag(label)
    if flag is not None:
        return float(flag)
    try:
        number = float(label_text(label))
    except ValueError:
        return None
    return number if 0 <= number <= 1 else None
