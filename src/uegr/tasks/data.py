"""Labelled text as the rest of the house sees it: splits with text columns, and a target for each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from datasets import ClassLabel, Dataset, Value

from uegr.errors import UsageError
from uegr.tasks.splits import LABEL, subset, with_missing_splits
from uegr.tasks.task import Kind


@dataclass(frozen=True)
class TaskData:
    """A task with its splits.

    Args:
        name: what results call it.
        train, validation, test: datasets with the text columns and a column "label": an int in [0, C) for
            classification, a float for regression. A task without a training split has an empty one.
        text_columns: one column (a sentence) or two (a pair).
        label_names: the C classes, in order; empty for the other kinds.
        kind: what is predicted.
        metrics: names of its metrics; the first is the one that is published.
        family: tasks of a family can be evaluated with each other's models.
    """

    name: str
    train: Dataset
    validation: Dataset
    test: Dataset
    text_columns: tuple[str, ...]
    label_names: tuple[str, ...]
    kind: Kind = "classification"
    metrics: tuple[str, ...] = ("accuracy",)
    family: str | None = None

    def limited(self, *, train: int | None = None, test: int | None = None, seed: int = 0) -> TaskData:
        """At most that many training and test examples. The training subset depends on the seed, so that an
        interval over seeds covers the choice of examples; the test subset is always the same."""
        return replace(self, train=subset(self.train, train, seed), test=subset(self.test, test, 0))


def make_task(
    name: str,
    splits: dict[str, Dataset],
    *,
    text_columns: Sequence[str],
    label_column: str,
    label_names: Sequence[str] | None = None,
    kind: Kind = "classification",
    metrics: Sequence[str] | None = None,
    family: str | None = None,
    drop_empty: bool = False,
) -> TaskData:
    """Check raw splits and bring their labels to 0..C-1, or to floats; missing splits are cut from the training data.

    Args:
        name: the task's name.
        splits: "train", "validation" and "test", as far as they exist.
        text_columns: one or two columns of text.
        label_column: whole numbers or class names; numbers for regression.
        label_names: names of the classes 0..C-1; None reads the classes off the training labels.
        kind, metrics, family: see `TaskData`.
        drop_empty: drop rows without text; otherwise they are an error.

    Raises:
        UsageError: an unknown column, no rows, missing or fractional labels, empty texts, one class only.
    """
    checked = {
        split: _check(f"{name} ({split})", rows, text_columns, label_column, drop_empty)
        for split, rows in splits.items()
    }
    if kind == "regression":
        names: tuple[str, ...] = ()
        ready = {
            split: _as_numbers(f"{name} ({split})", rows, label_column, text_columns) for split, rows in checked.items()
        }
    else:
        names, ready = _as_classes(name, checked, label_column, label_names, text_columns)
    whole = with_missing_splits(ready)
    return TaskData(
        name,
        whole["train"],
        whole["validation"],
        whole["test"],
        tuple(text_columns),
        names,
        kind,
        tuple(metrics or (("pearson", "spearman") if kind == "regression" else ("accuracy",))),
        family,
    )


def _as_classes(
    name: str,
    splits: dict[str, Dataset],
    label_column: str,
    label_names: Sequence[str] | None,
    text_columns: Sequence[str],
) -> tuple[tuple[str, ...], dict[str, Dataset]]:
    first = splits.get("train", next(iter(splits.values())))
    feature = first.features[label_column]
    if label_names is None and isinstance(feature, ClassLabel):
        label_names = feature.names
    classes = _classes(first, label_column, label_names)
    names = tuple(str(one) for one in (classes if label_names is None else label_names))
    if len(classes) < 2:
        raise UsageError(f"{name}: every training label is '{classes[0]}'; a classifier needs at least two classes.")
    index = {one: i for i, one in enumerate(classes)}
    return names, {
        split: _encode_labels(f"{name} ({split})", rows, label_column, index, text_columns)
        for split, rows in splits.items()
    }


def _as_numbers(name: str, rows: Dataset, label_column: str, text_columns: Sequence[str]) -> Dataset:
    try:
        rows = rows.cast_column(label_column, Value("float64"))
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{name}: column '{label_column}' holds a label that is no number ({error}): regression needs numbers."
        ) from error
    rows = rows.select_columns([*text_columns, label_column])
    return rows if label_column == LABEL else rows.rename_column(label_column, LABEL)


def _check(name: str, rows: Dataset, text_columns: Sequence[str], label_column: str, drop_empty: bool) -> Dataset:
    for column in (*text_columns, label_column):
        if column not in rows.column_names:
            raise UsageError(f"{name} has no column '{column}': its columns are {', '.join(rows.column_names)}.")
    if not len(rows):
        raise UsageError(f"{name} holds no rows: give a file or split with at least one example.")
    if rows.data.column(label_column).null_count:
        missing = [i for i, value in enumerate(rows[label_column]) if value is None]
        raise UsageError(
            f"{name}: {len(missing)} rows have no label in column '{label_column}' (the first is row {missing[0]}): "
            "remove them or label them."
        )
    empty = [i for i, texts in enumerate(zip(*(rows[one] for one in text_columns), strict=True)) if _empty(texts)]
    if empty and drop_empty:
        rows = rows.select(sorted(set(range(len(rows))) - set(empty)))
        if not len(rows):
            raise UsageError(f"{name}: every row is empty in column '{text_columns[0]}'.")
    elif empty:
        raise UsageError(
            f"{name}: {len(empty)} rows have no text in column '{', '.join(text_columns)}' (the first is row "
            f"{empty[0]}): remove them, or drop them with --drop_empty."
        )
    return rows


def _empty(texts: tuple[object, ...]) -> bool:
    return any(text is None or not str(text).strip() for text in texts)


def _classes(train: Dataset, label_column: str, label_names: Sequence[str] | None) -> list[int | str]:
    if label_names is not None:
        return list(range(len(label_names)))
    values = sorted(set(train[label_column]))
    if all(isinstance(value, str) for value in values):
        return list(values)
    fractional = [value for value in values if float(value) != int(value)]
    if fractional:
        raise UsageError(
            f"column '{label_column}' holds {fractional[0]}, which is no class: labels must be whole numbers or names."
        )
    return [int(value) for value in values]


def _encode_labels(
    name: str, rows: Dataset, label_column: str, index: dict[int | str, int], text_columns: Sequence[str]
) -> Dataset:
    labels = []
    for row, value in enumerate(rows[label_column]):
        key = value if isinstance(value, str) else int(value)
        if key not in index:
            known = ", ".join(str(one) for one in index)
            raise UsageError(f"{name}: label '{value}' in row {row} is not among the training classes ({known}).")
        labels.append(index[key])
    rows = rows.select_columns(list(text_columns))
    return rows.add_column(LABEL, labels).cast_column(LABEL, Value("int64"))
