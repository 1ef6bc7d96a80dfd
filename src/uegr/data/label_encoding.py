"""Encode the label column of a file as what a model is trained on: class indices, numbers, or sets of labels."""

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


def encode_classes(
    name: str,
    splits: dict[str, Dataset],
    label_column: str,
    label_names: Sequence[str] | None,
    text_columns: Sequence[str],
) -> tuple[tuple[str, ...], dict[str, Dataset]]:
    """Encode class labels as 0..C-1 in the column "label".

    Args:
        name: name of the task in error messages.
        splits: the raw rows; without `label_names` the classes are taken from "train".
        label_column: whole numbers or class names.
        label_names: names of the classes 0..C-1.
        text_columns: the columns to keep besides the label.
    """
    first = splits.get("train", next(iter(splits.values())))
    feature = first.features[label_column]
    if label_names is None and isinstance(feature, ClassLabel):
        label_names = feature.names
    classes = _classes(first, label_column) if label_names is None else list(range(len(label_names)))
    names = tuple(str(name) for name in (classes if label_names is None else label_names))
    if len(classes) < 2:
        raise UsageError(
            f"{name}: each of the {len(first):,} training labels is '{classes[0]}'; a classifier needs at least two "
            "classes."
        )
    return names, {
        split: _with_classes(f"{name} ({split})", rows, label_column, classes, text_columns)
        for split, rows in splits.items()
    }


def encode_numbers(name: str, rows: Dataset, label_column: str, text_columns: Sequence[str]) -> Dataset:
    """Encode numeric labels as floats in the column "label"."""
    try:
        parts = [pc.cast(table[label_column], pa.float64()) for table in arrow_batches(rows, [label_column])]
        numbers = np.concatenate([np.asarray(part) for part in parts])
    except pa.ArrowException as error:
        raise UsageError(f"{name}: column '{label_column}' must hold numbers for regression: {error}.") from error
    invalid = np.flatnonzero(~np.isfinite(numbers))
    if len(invalid):
        raise UsageError(f"{name}: {len(invalid)} labels are not finite numbers (the first is in row {invalid[0]}).")
    return _with_labels(rows, numbers, text_columns)


def encode_label_sets(
    name: str, splits: dict[str, Dataset], label_columns: Sequence[str], separator: str, text_columns: Sequence[str]
) -> tuple[tuple[str, ...], dict[str, Dataset]]:
    """Encode sets of labels as C floats 0 or 1 per row in the column "label".

    Args:
        name: name of the task in error messages.
        splits: the raw rows.
        label_columns: several columns of 0 and 1; or one column of lists, or of texts that list names.
        separator: separates the names in such a text.
        text_columns: the columns to keep besides the labels.
    """
    sets = {split: _label_sets(rows, label_columns, separator) for split, rows in splits.items()}
    first = sets.get("train", next(iter(sets.values())))
    names = sorted({label for row in first for label in row}) if len(label_columns) == 1 else list(label_columns)
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
                    raise _unseen_labels(f"{name} ({split})", {label: count}, row, names)
                matrix[row, column_of[label]] = 1.0
        encoded[split] = _with_labels(rows, matrix, text_columns)
    return tuple(names), encoded


def _label_sets(rows: Dataset, columns: Sequence[str], separator: str) -> list[list[str]]:
    if len(columns) > 1:
        return [
            [column for column in columns if str(row[column]).lower() in ("1", "1.0", "true", "yes")]
            for table in arrow_batches(rows, columns)
            for row in table.to_pylist()
        ]
    values = (value for table in arrow_batches(rows, columns) for value in table[columns[0]].to_pylist())
    lists = (value if isinstance(value, list) else str(value).split(separator) for value in values)
    return [[name for label in value if (name := str(label).strip())] for value in lists]


def _classes(train: Dataset, label_column: str) -> list[Label]:
    values = [value for value in train.unique(label_column) if value is not None]
    numbers = [_whole_number(value) for value in values]
    if any(number is None for number in numbers):
        fractional = [value for value in values if not isinstance(value, bool) and _is_fraction(value)]
        if fractional and len(fractional) + sum(number is not None for number in numbers) == len(values):
            raise UsageError(
                f"column '{label_column}' holds {fractional[0]}, which is not a class: labels must be whole numbers or "
                "names (for numbers with fractions add --kind regression)."
            )
        return sorted(str(value) for value in values)
    return sorted({number for number in numbers if number is not None})


def _whole_number(value: Any) -> int | None:
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
    index_of = {label: i for i, label in enumerate(classes)}
    numeric = isinstance(classes[0], int)
    class_of = {}
    for value in rows.unique(label_column):
        label = _whole_number(value) if numeric else str(value)
        class_of[value] = -1 if label is None else index_of.get(label, -1)
    labels = np.concatenate(
        [
            np.fromiter((class_of[value] for value in table[label_column].to_pylist()), np.int64, table.num_rows)
            for table in arrow_batches(rows, [label_column])
        ]
    )
    unseen = np.flatnonzero(labels < 0)
    if len(unseen):
        counts: dict[Any, int] = {}
        for row in unseen.tolist():
            value = rows[row][label_column]
            counts[value] = counts.get(value, 0) + 1
        raise _unseen_labels(name, counts, int(unseen[0]), classes)
    return _with_labels(rows, labels, text_columns)


def _unseen_labels(name: str, counts: dict[Any, int], first: int, classes: Sequence[Label]) -> UsageError:
    shown = ", ".join(f"'{value}' {count} times" for value, count in counts.items())
    return UsageError(
        f"{name}: {sum(counts.values())} labels are not among the training classes ({', '.join(map(str, classes))}): "
        f"{shown}, first in row {first}; correct or remove those rows."
    )


def _with_labels(rows: Dataset, labels: np.ndarray, text_columns: Sequence[str]) -> Dataset:
    """Return the text columns with the labels added: int64 (N,), float64 (N,), or float32 (N, C)."""
    texts = rows.select_columns(list(text_columns))
    if labels.ndim == 1:
        return texts.add_column(LABEL, labels, feature=Value(str(labels.dtype)))
    column = pa.FixedSizeListArray.from_arrays(pa.array(labels.ravel()), labels.shape[1]).cast(pa.list_(pa.float32()))
    return texts.add_column(LABEL, column, feature=ListOf(Value("float32")))
