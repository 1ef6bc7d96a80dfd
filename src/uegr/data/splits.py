"""Splits that are cut where none is given: stratified and seeded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Dataset, Value
from numpy.typing import NDArray

from uegr.data.arrow_cache import arrow_batches
from uegr.data.overlap import text_hashes
from uegr.errors import UsageError

LABEL = "label"


def with_missing_splits(splits: dict[str, Dataset]) -> dict[str, Dataset]:
    """Cut a tenth of the training data, seed 0, for each held-out split that is missing.

    Without training data nothing can be cut: the missing splits are empty, and the data serves evaluation only.
    """
    empty = next(iter(splits.values())).select([])
    for missing in ("test", "validation"):
        if missing not in splits and "train" in splits:
            train, held_out = stratified_split(splits["train"], max(1, len(splits["train"]) // 10))
            splits = {**splits, "train": train, missing: held_out}
    return {split: splits.get(split, empty) for split in ("train", "validation", "test")}


def stratified_split(rows: Dataset, held_out: int, seed: int = 0) -> tuple[Dataset, Dataset]:
    """Rows without, and only, `held_out` rows; with class labels, of about the same share of each class."""
    from sklearn.model_selection import train_test_split

    kept, cut = train_test_split(
        np.arange(len(rows)), test_size=held_out, random_state=seed, stratify=_strata(rows, held_out)
    )
    return rows.select(np.sort(kept)), rows.select(np.sort(cut))


def labels_of(rows: Dataset) -> NDArray[Any]:
    """The labels as one array: (N,), or (N, C) for multi-label."""
    parts = [table[LABEL].combine_chunks() for table in arrow_batches(rows, [LABEL])]
    if parts and pa.types.is_list(parts[0].type):
        return np.concatenate([part.flatten().to_numpy().reshape(len(part), -1) for part in parts])
    return np.concatenate([np.empty(0, dtype=int), *(part.to_numpy() for part in parts)])


def _strata(rows: Dataset, held_out: int) -> NDArray[Any] | None:
    if LABEL not in rows.column_names or rows.features[LABEL] not in (Value("int64"), Value("int32")):
        return None
    labels = labels_of(rows)
    counts = np.unique(labels, return_counts=True)[1]
    # Stratifying needs two examples of each class and room for each in both parts.
    feasible = counts.min() >= 2 and min(held_out, len(rows) - held_out) >= len(counts)
    return labels if feasible else None


def subset(rows: Dataset, count: int | None, seed: int, group: str | None = None) -> Dataset:
    """At most `count` rows, drawn from `seed`, in their own order; with `group` only whole groups of rows that agree
    in that column, whose candidates a ranking metric compares."""
    if count is None or count >= len(rows):
        return rows
    if count < 1:
        raise UsageError(f"the number of examples must be at least 1, not {count}.")
    generator = np.random.default_rng(seed)
    if group is None:
        return rows.select(np.sort(generator.choice(len(rows), size=count, replace=False)))
    _, which, sizes = np.unique(text_hashes(rows, [group]), return_inverse=True, return_counts=True)
    order = generator.permutation(len(sizes))
    chosen = order[: max(1, np.searchsorted(np.cumsum(sizes[order]), count, side="right"))]
    return rows.select(np.flatnonzero(np.isin(which, chosen)))
