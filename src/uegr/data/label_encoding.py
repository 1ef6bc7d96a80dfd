"""Encode the label column of a file as what a model is trained on: the index of a class, or a number."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import ClassLabel, Dataset, Value
from datasets import List as ListOf
from numpy.typing import NDArray

from uegr.data.arrow_cache import arrow_batches
from uegr.data.data_report import Finding
from uegr.data.splits import LABEL, reference_split
from uegr.errors import UsageError, unknown

MOST_CLASSES = 20
"""With more different labels than this, at most half of the rows may have a label of their own."""


def encode_classes(
    name: str,
    splits: dict[str, Dataset],
    label_column: str,
    label_names: Sequence[str] | None,
    text_columns: Sequence[str],
    positive_label: str | None = None,
) -> tuple[tuple[str, ...], dict[str, Dataset], list[Finding]]:
    """Return the names of the classes, the rows with classes 0..C-1 in the column "label", and findings.

    Args:
        name: name of the task in error messages.
        splits: the raw rows; without `label_names` the classes are taken from "train".
        label_column: names of classes, or numbers.
        label_names: names of the classes 0..C-1.
        text_columns: the columns to keep besides the label.
        positive_label: for two classes, the class that becomes class 1.
    """
    first = splits[reference_split(splits)]
    feature = first.features[label_column]
    if not isinstance(feature, (Value, ClassLabel)):
        raise UsageError(
            f"{name}: column '{label_column}' holds lists or objects and not one class per row: for several labels per "
            "text add --kind multi_label, or name another column with --label_column."
        )
    findings: list[Finding] = []
    numbered = label_names
    if label_names is None and isinstance(feature, ClassLabel):
        label_names = feature.names
    if label_names is None:
        label_names, findings = _names_in(first, label_column)
    names = _with_positive_last(label_names, positive_label)
    if len(names) < 2:
        raise UsageError(
            f"{name}: each of the {len(first):,} training labels is '{names[0]}': add rows of another class, or name "
            "the column of the classes with --label_column."
        )
    if all(_are_names(rows, label_column, names) for rows in splits.values()):
        numbered = ()
    encoded = {
        split: _with_classes(f"{name} ({split})", rows, label_column, names, numbered or (), text_columns)
        for split, rows in splits.items()
    }
    return names, encoded, findings


def encode_numbers(name: str, rows: Dataset, label_column: str, text_columns: Sequence[str]) -> Dataset:
    """Encode numeric labels as floats in the column "label"."""
    try:
        columns = [table[label_column] for table in arrow_batches(rows, [label_column])]
        trimmed = [pc.utf8_trim_whitespace(part) if pa.types.is_string(part.type) else part for part in columns]
        numbers = np.concatenate([np.asarray(pc.cast(part, pa.float64())) for part in trimmed])
    except pa.ArrowException as error:
        raise UsageError(
            f"{name}: column '{label_column}' must hold numbers for regression ({error}): correct it, or name another "
            "with --label_column."
        ) from error
    invalid = np.flatnonzero(~np.isfinite(numbers))
    if len(invalid):
        raise UsageError(
            f"{name}: {len(invalid)} labels are not finite numbers (the first is in row {invalid[0]}): correct or "
            "remove those rows."
        )
    return with_labels(rows, numbers, text_columns)


def label_text(value: Any) -> str:
    """The name of a label: text without the spaces around it, or the exact number."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value).strip()


def label_name(value: Any, names: Collection[str]) -> str:
    """The name of a label where the classes have these names: the number 1.0 is class "1", or else class "1.0"."""
    text = label_text(value)
    return repr(value) if isinstance(value, float) and text not in names and repr(value) in names else text


def in_order(names: Any) -> list[str]:
    """Names in order: whole numbers by value, all others as text."""
    names = list(names)
    if all(re.fullmatch(r"[+-]?\d+", name) for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names)


def names_of_lists(rows: Dataset, column: str) -> list[str]:
    """The names of a column of lists of `ClassLabel`; empty for other columns."""
    feature = getattr(rows.features[column], "feature", None)
    return list(feature.names) if isinstance(feature, ClassLabel) else []


def unseen_labels(name: str, counts: dict[Any, int], first: int, classes: Sequence[str]) -> UsageError:
    """The error for labels that the training data does not have; `first` is the row of the first of them."""
    shown = ", ".join(f"'{value}' {count} times" for value, count in counts.items())
    return UsageError(
        f"{name}: {sum(counts.values())} labels are not among the training classes ({', '.join(classes)}): "
        f"{shown}, first in row {first}; correct or remove those rows."
    )


def with_labels(rows: Dataset, labels: NDArray[Any], text_columns: Sequence[str]) -> Dataset:
    """Return the text columns with the labels added: int64 (N,), float64 (N,), or float32 (N, C)."""
    texts = rows.select_columns(list(text_columns))
    if labels.ndim == 1:
        return texts.add_column(LABEL, labels, feature=Value(str(labels.dtype)))
    column = pa.FixedSizeListArray.from_arrays(pa.array(labels.ravel()), labels.shape[1]).cast(pa.list_(pa.float32()))
    return texts.add_column(LABEL, column, feature=ListOf(Value("float32")))


def _names_in(train: Dataset, label_column: str) -> tuple[list[str], list[Finding]]:
    """The classes of a column, and a finding for labels that differ only in spaces, case, Unicode form or .0."""
    values = [value for value in train.unique(label_column) if value is not None]
    names = in_order({label_text(value) for value in values})
    if len(names) > MOST_CLASSES and 2 * len(names) > len(train):
        raise UsageError(
            f"column '{label_column}' has {len(names):,} different values in {len(train):,} rows, such as "
            f"'{names[0]}': name the column of the classes with --label_column, or for numbers add --kind regression."
        )
    findings = []
    if fractions := sum(isinstance(value, float) and not value.is_integer() for value in values):
        message = (
            f"labels in column '{label_column}' are fractions and taken for classes: for numbers, --kind regression"
        )
        findings.append(Finding("fractions", fractions, message))
    stripped = sum(isinstance(value, str) and value != value.strip() for value in values)
    if stripped:
        findings.append(Finding("label_spaces", stripped, f"labels in column '{label_column}' have spaces: removed"))
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        alike[unicodedata.normalize("NFKC", name).casefold().removesuffix(".0")].append(name)
    for similar in (group for group in alike.values() if len(group) > 1):
        shown = " and ".join(map(repr, similar))
        findings.append(Finding("label_case", len(similar), f"classes look like one: {shown} are kept apart"))
    return names, findings


def _are_names(rows: Dataset, label_column: str, names: Sequence[str]) -> bool:
    """Whether all labels are names of classes, which may be numbers ("1" to "5"); those of a `ClassLabel` are its own.

    Asked of all splits: one of them may happen to hold only numbers that could be both.
    """
    if isinstance(rows.features[label_column], ClassLabel):
        return True
    return {label_name(value, names) for value in rows.unique(label_column)} <= {*names}


def _with_positive_last(names: Sequence[str], positive_label: str | None) -> tuple[str, ...]:
    names = tuple(map(str, names))
    if positive_label is None:
        return names
    if positive_label not in names:
        raise unknown("positive label", positive_label, names)
    if len(names) != 2:
        raise UsageError(f"a positive label is for two classes, and there are {len(names)}: leave it out.")
    return (*(name for name in names if name != positive_label), positive_label)


def _with_classes(
    name: str,
    rows: Dataset,
    label_column: str,
    names: Sequence[str],
    numbered: Sequence[str],
    text_columns: Sequence[str],
) -> Dataset:
    """Encode one split: as names of classes, unless all labels are positions in `numbered`, or in a `ClassLabel`."""
    index_of = {label: i for i, label in enumerate(names)}
    feature = rows.features[label_column]
    if isinstance(feature, ClassLabel):  # its order may differ from that of the training split
        numbered = feature.names
    name_of, values = dict(enumerate(numbered)), rows.unique(label_column)
    if not isinstance(feature, ClassLabel) and not all(value in name_of for value in values):
        name_of = {}  # all are names: classes "1" to "5" and a stray 0 are not read as positions and names together
    class_of = {}
    for value in values:
        name_of_value = name_of.get(value) if isinstance(value, int) else None
        class_of[value] = index_of.get(name_of_value or label_name(value, index_of), -1)
    labels = np.concatenate(
        [
            np.fromiter((class_of[value] for value in table[label_column].to_pylist()), np.int64, table.num_rows)
            for table in arrow_batches(rows, [label_column])
        ]
    )
    unseen = np.flatnonzero(labels < 0)
    if len(unseen):
        counts = Counter(rows[row][label_column] for row in unseen.tolist())
        raise unseen_labels(name, counts, int(unseen[0]), names)
    return with_labels(rows, labels, text_columns)
