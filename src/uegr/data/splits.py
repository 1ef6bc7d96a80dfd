"""Split rows at random, stratified and seeded, where a data set has no split of its own; draw subsets of rows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Dataset, Value
from numpy.typing import NDArray

from uegr.data.arrow_cache import arrow_batches
from uegr.data.overlap import text_hashes
from uegr.errors import UsageError

SPLITS = ("train", "validation", "test")
LABEL = "label"
"""Name of the column that holds the label in every `TaskData`."""


def with_missing_splits(splits: dict[str, Dataset]) -> dict[str, Dataset]:
    """Add the missing test and validation split, each a tenth of the training data, drawn with seed 0.

    Without training data the missing splits are empty, and the data is for evaluation only.
    """
    if "train" not in splits:
        empty = next(iter(splits.values())).select([])
        return {split: splits.get(split, empty) for split in SPLITS}
    complete = dict(splits)
    missing = [split for split in ("test", "validation") if split not in splits]
    if missing and len(splits["train"]) <= len(missing):
        splits_in_words = " and a ".join(missing)
        files = " and ".join(f"--{split}_file" for split in missing)
        raise UsageError(
            f"{len(splits['train'])} training rows are too few to cut a {splits_in_words} split from: give {files}, or "
            "more rows."
        )
    for split in missing:
        train = complete["train"]
        complete["train"], complete[split] = stratified_split(train, max(1, len(train) // 10))
    return {split: complete[split] for split in SPLITS}


def reference_split(splits: Mapping[str, object]) -> str:
    """Return the name of the split from which the classes are taken: "train", or the first where there is none."""
    return "train" if "train" in splits else next(iter(splits))


def stratified_split(rows: Dataset, held_out: int) -> tuple[Dataset, Dataset]:
    """Split off `held_out` rows, drawn with seed 0; class labels have about the same distribution in both parts.

    Returns:
        The remaining rows and the held-out rows, each in their original order.
    """
    from sklearn.model_selection import train_test_split

    remaining, drawn = train_test_split(
        np.arange(len(rows)), test_size=held_out, random_state=0, stratify=_strata(rows, held_out)
    )
    return rows.select(np.sort(remaining)), rows.select(np.sort(drawn))


def labels_of(rows: Dataset) -> NDArray[Any]:
    """Return the labels as one array: (N,), or (N, C) for multi-label."""
    parts = [table[LABEL].combine_chunks() for table in arrow_batches(rows, [LABEL])]
    if parts and pa.types.is_list(parts[0].type):
        return np.concatenate([part.flatten().to_numpy().reshape(len(part), -1) for part in parts])
    return np.concatenate([np.empty(0, dtype=int), *(part.to_numpy() for part in parts)])


def _strata(rows: Dataset, held_out: int) -> NDArray[Any] | None:
    if LABEL not in rows.column_names or rows.features[LABEL] not in (Value("int64"), Value("int32")):
        return None
    labels = labels_of(rows)
    counts = np.unique(labels, return_counts=True)[1]
    # Stratifying needs two examples of each class, and space for every class in both parts.
    feasible = counts.min() >= 2 and min(held_out, len(rows) - held_out) >= len(counts)
    return labels if feasible else None


def subset(rows: Dataset, count: int | None, seed: int, group: str | None = None) -> Dataset:
    """Draw at most `count` rows, in their original order.

    Args:
        rows: the rows to draw from.
        count: the largest number of rows; None takes all.
        seed: of the draw.
        group: a column; rows with the same value in it are drawn together or not at all. A ranking metric needs this:
            it compares the candidates of a question with each other. At least one group is drawn, even if it has more
            than `count` rows.
    """
    if count is None or count >= len(rows):
        return rows
    if count < 1:
        raise UsageError(f"the number of examples must be at least 1, not {count}.")
    generator = np.random.default_rng(seed)
    if group is None:
        return rows.select(np.sort(generator.choice(len(rows), size=count, replace=False)))
    _, group_of_row, sizes = np.unique(text_hashes(rows, [group]), return_inverse=True, return_counts=True)
    order = generator.permutation(len(sizes))
    drawn = order[: max(1, np.searchsorted(np.cumsum(sizes[order]), count, side="right"))]
    return rows.select(np.flatnonzero(np.isin(group_of_row, drawn)))
