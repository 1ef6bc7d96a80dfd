"""Labelled text as the rest of the house sees it: splits with text columns, and classes 0..C-1 with names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from datasets import ClassLabel, Dataset, Value

from uegr.errors import UsageError

LABEL = "label"


@dataclass(frozen=True)
class TaskData:
    """A classification task with its splits.

    Args:
        name: what results call it.
        train, validation, test: datasets with the text columns and an int column "label" in [0, C).
        text_columns: one column (a sentence) or two (a pair).
        label_names: the C classes, in order.
    """

    name: str
    train: Dataset
    validation: Dataset
    test: Dataset
    text_columns: tuple[str, ...]
    label_names: tuple[str, ...]

    def limited(self, *, train: int | None = None, test: int | None = None, seed: int = 0) -> TaskData:
        """At most that many training and test examples. The training subset depends on the seed, so that an
        interval over seeds covers the choice of examples; the test subset is always the same."""
        return replace(
            self,
            train=_subset(self.train, train, seed),
            test=_subset(self.test, test, 0),
        )


def make_task(
    name: str,
    splits: dict[str, Dataset],
    *,
    text_columns: Sequence[str],
    label_column: str,
    label_names: Sequence[str] | None = None,
    drop_empty: bool = False,
) -> TaskData:
    """Check raw splits and bring their labels to 0..C-1; missing splits are cut from the training data.

    Args:
        name: the task's name.
        splits: "train" and, where they exist, "validation" and "test".
        text_columns: one or two columns of text.
        label_column: whole numbers or class names.
        label_names: names of the classes 0..C-1; None reads the classes off the training labels.
        drop_empty: drop rows without text; otherwise they are an error.

    Raises:
        UsageError: an unknown column, no rows, missing or fractional labels, empty texts, one class only.
    """
    checked = {
        split: _check(f"{name} ({split})", rows, text_columns, label_column, drop_empty)
        for split, rows in splits.items()
    }
    feature = checked["train"].features[label_column]
    if label_names is None and isinstance(feature, ClassLabel):
        label_names = feature.names
    classes = _classes(checked["train"], label_column, label_names)
    names = tuple(str(one) for one in (classes if label_names is None else label_names))
    if len(classes) < 2:
        raise UsageError(f"{name}: every training label is '{classes[0]}'; a classifier needs at least two classes.")
    index = {one: i for i, one in enumerate(classes)}
    ready = {
        split: _encode_labels(f"{name} ({split})", rows, label_column, index, text_columns)
        for split, rows in checked.items()
    }
    ready = _with_missing_splits(ready)
    return TaskData(name, ready["train"], ready["validation"], ready["test"], tuple(text_columns), names)


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


def _with_missing_splits(splits: dict[str, Dataset]) -> dict[str, Dataset]:
    """Cut a stratified tenth of the training data, seed 0, for each held-out split that is missing."""
    for missing in ("test", "validation"):
        if missing not in splits:
            train, held_out = stratified_split(splits["train"], max(1, len(splits["train"]) // 10))
            splits = {**splits, "train": train, missing: held_out}
    return splits


def stratified_split(rows: Dataset, held_out: int, seed: int = 0) -> tuple[Dataset, Dataset]:
    """Rows without, and only, `held_out` rows of about the same share of each class."""
    from sklearn.model_selection import train_test_split

    labels = np.asarray(rows[LABEL])
    counts = np.bincount(labels)
    # Stratifying needs two examples of each class and room for each in both parts.
    feasible = counts[counts > 0].min() >= 2 and min(held_out, len(rows) - held_out) >= (counts > 0).sum()
    kept, cut = train_test_split(
        np.arange(len(rows)), test_size=held_out, random_state=seed, stratify=labels if feasible else None
    )
    return rows.select(np.sort(kept)), rows.select(np.sort(cut))


def _subset(rows: Dataset, count: int | None, seed: int) -> Dataset:
    if count is None or count >= len(rows):
        return rows
    if count < 1:
        raise UsageError(f"the number of examples must be at least 1, not {count}.")
    chosen = np.random.default_rng(seed).choice(len(rows), size=count, replace=False)
    return rows.select(np.sort(chosen))
