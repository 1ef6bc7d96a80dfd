"""From a label column as it stands in a file to what a model is trained on: classes, numbers, sets of labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import ClassLabel, Dataset, Value
from datasets import List as ListOf

from uegr.data.arrow_cache import arrow_batches
from uegr.data.splits import LABEL
from uegr.errors import UsageError

Label = int | str


def as_classes(
    name: str,
    splits: dict[str, Dataset],
    label_column: str,
    label_names: Sequence[str] | None,
    text_columns: Sequence[str],
) -> tuple[tuple[str, ...], dict[str, Dataset]]:
    """Classes 0..C-1 in the column "label", and their names.

    Args:
        name: of the task, for errors.
        splits: the raw rows; without given names the classes are read off "train".
        label_column: whole numbers or class names.
        label_names: names of the classes 0..C-1.
        text_columns: what to keep beside the label.

    Raises:
        UsageError: one class only, a fractional label, or labels that training never shows.
    """
    first = splits.get("train", next(iter(splits.values())))
    feature = first.features[label_column]
    if label_names is None and isinstance(feature, ClassLabel):
        label_names = feature.names
    classes = _classes(first, label_column) if label_names is None else list(range(len(label_names)))
    names = tuple(str(one) for one in (classes if label_names is None else label_names))
    if len(classes) < 2:
        raise UsageError(
            f"{name}: each of the {len(first):,} training labels is '{classes[0]}'; a classifier needs at least two "
            "classes."
        )
    return names, {
        split: _with_classes(f"{name} ({split})", rows, label_column, classes, text_columns)
        for split, rows in splits.items()
    }


def as_numbers(name: str, rows: Dataset, label_column: str, text_columns: Sequence[str]) -> Dataset:
    """Floats in the column "label".

    Raises:
        UsageError: a label that is no finite number.
    """
    try:
        parts = [pc.cast(table[label_column], pa.float64()) for table in arrow_batches(rows, [label_column])]
        numbers = np.concatenate([np.asarray(part) for part in parts])
    except pa.ArrowException as error:
        raise UsageError(f"{name}: column '{label_column}' must hold numbers for regression: {error}.") from error
    odd = np.flatnonzero(~np.isfinite(numbers))
    if len(odd):
        raise UsageError(f"{name}: {len(odd)} labels are no finite numbers (the first is in row {odd[0]}).")
    return _labelled(rows, numbers, text_columns)


def as_label_sets(
    name: str,
    splits: dict[str, Dataset],
    label_columns: Sequence[str],
    separator: str,
    text_columns: Sequence[str],
) -> tuple[tuple[str, ...], dict[str, Dataset]]:
    """C yes/no labels a row as floats in the column "label", and their names.

    Args:
        name: of the task, for errors.
        splits: the raw rows.
        label_columns: several columns of 0 and 1; or one column with lists, or with text that lists names.
        separator: between the names in such a text.
        text_columns: what to keep beside the labels.

    Raises:
        UsageError: fewer than two labels, or labels that training never shows.
    """
    sets = {split: _label_sets(rows, label_columns, separator) for split, rows in splits.items()}
    first = sets.get("train", next(iter(sets.values())))
    known = sorted({one for row in first for one in row}) if len(label_columns) == 1 else list(label_columns)
    if len(known) < 2:
        raise UsageError(
            f"{name}: the training rows hold {len(known)} different labels; multi-label needs at least two: separate "
            f"them with '{separator}', or name another --label_separator."
        )
    index = {one: i for i, one in enumerate(known)}
    ready = {}
    for split, rows in splits.items():
        matrix = np.zeros((len(rows), len(known)), dtype=np.float32)
        for at, row in enumerate(sets[split]):
            for one in row:
                if one not in index:
                    raise _unseen(f"{name} ({split})", {one: sum(one in other for other in sets[split])}, at, known)
                matrix[at, index[one]] = 1.0
        ready[split] = _labelled(rows, matrix, text_columns)
    return tuple(known), ready


def _label_sets(rows: Dataset, columns: Sequence[str], separator: str) -> list[list[str]]:
    if len(columns) > 1:
        return [
            [column for column in columns if str(row[column]).lower() in ("1", "1.0", "true", "yes")]
            for table in arrow_batches(rows, columns)
            for row in table.to_pylist()
        ]
    values = (value for table in arrow_batches(rows, columns) for value in table[columns[0]].to_pylist())
    lists = (value if isinstance(value, list) else str(value).split(separator) for value in values)
    return [[text for one in value if (text := str(one).strip())] for value in lists]


def _classes(train: Dataset, label_column: str) -> list[Label]:
    values = [value for value in train.unique(label_column) if value is not None]
    numbers = [_whole(value) for value in values]
    if any(number is None for number in numbers):
        fractional = [value for value in values if not isinstance(value, bool) and _is_fraction(value)]
        if fractional and len(fractional) + sum(n is not None for n in numbers) == len(values):
            raise UsageError(
                f"column '{label_column}' holds {fractional[0]}, which is no class: labels must be whole numbers or "
                "names (for numbers with fractions add --kind regression)."
            )
        return sorted(str(value) for value in values)
    return sorted({number for number in numbers if number is not None})


def _whole(value: Any) -> int | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return int(number) if number.is_integer() else None


def _is_fraction(value: Any) -> bool:
    try:
        return not float(value).is_integer()
    except (TypeError, ValueError, OverflowError):
        return False


def _with_classes(
    name: str, rows: Dataset, label_column: str, classes: Sequence[Label], text_columns: Sequence[str]
) -> Dataset:
    index = {one: i for i, one in enumerate(classes)}
    numeric = isinstance(classes[0], int)
    codes = {}
    for value in rows.unique(label_column):
        whole = _whole(value) if numeric else str(value)
        codes[value] = -1 if whole is None else index.get(whole, -1)
    labels = np.concatenate(
        [
            np.fromiter((codes[value] for value in table[label_column].to_pylist()), np.int64, table.num_rows)
            for table in arrow_batches(rows, [label_column])
        ]
    )
    unseen = np.flatnonzero(labels < 0)
    if len(unseen):
        counts: dict[Any, int] = {}
        for at in unseen.tolist():
            value = rows[at][label_column]
            counts[value] = counts.get(value, 0) + 1
        raise _unseen(name, counts, int(unseen[0]), classes)
    return _labelled(rows, labels, text_columns)


def _unseen(name: str, counts: dict[Any, int], first: int, known: Sequence[Label]) -> UsageError:
    shown = ", ".join(f"'{value}' {count} times" for value, count in counts.items())
    return UsageError(
        f"{name}: {sum(counts.values())} labels are not among the training classes ({', '.join(map(str, known))}): "
        f"{shown}, first in row {first}; mend or remove those rows."
    )


def _labelled(rows: Dataset, labels: np.ndarray, text_columns: Sequence[str]) -> Dataset:
    """The text columns and the labels: int64 (N,), float64 (N,), or float32 (N, C)."""
    kept = rows.select_columns(list(text_columns))
    if labels.ndim == 1:
        return kept.add_column(LABEL, labels, feature=Value(str(labels.dtype)))
    column = pa.FixedSizeListArray.from_arrays(pa.array(labels.ravel()), labels.shape[1]).cast(pa.list_(pa.float32()))
    return kept.add_column(LABEL, column, feature=ListOf(Value("float32")))
