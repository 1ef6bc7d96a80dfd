"""The data report: what one should know about a data set before trusting a number on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from datasets import Dataset

from uegr.data.findings import Finding
from uegr.data.overlap import text_hashes
from uegr.data.splits import labels_of
from uegr.data.task import Kind

UNBALANCED = 3.0
"""Classes are called unbalanced from this ratio of the largest to the smallest."""


def class_counts(rows: Dataset, label_names: Sequence[str], kind: Kind) -> dict[str, int]:
    """Rows of each class, or rows that carry each label."""
    if not label_names or not len(rows):
        return {}
    labels = labels_of(rows)
    counts = labels.sum(axis=0) if kind == "multi_label" else np.bincount(labels, minlength=len(label_names))
    return {name: int(count) for name, count in zip(label_names, counts, strict=True)}


def report(
    splits: dict[str, Dataset], text_columns: Sequence[str], label_names: Sequence[str], kind: Kind
) -> list[Finding]:
    """Repeated texts within the training data and across splits, and unbalanced or missing classes."""
    found = []
    hashes = {split: text_hashes(rows, text_columns) for split, rows in splits.items()}
    train = hashes["train"]
    if repeated := len(train) - len(np.unique(train)):
        found.append(Finding("repeats", repeated, f"of {len(train):,} training texts repeat an earlier one"))
    for split in ("validation", "test"):
        if shared := int(np.isin(hashes[split], train).sum()):
            found.append(Finding("duplicates", shared, f"of {len(hashes[split]):,} {split} texts are in train, too"))
    counts = class_counts(splits["train"], label_names, kind)
    if counts and kind == "classification":
        rarest, most = min(counts, key=lambda name: counts[name]), max(counts.values())
        if most >= UNBALANCED * counts[rarest]:
            what = (
                f"of {sum(counts.values()):,} training examples are of the rarest class '{rarest}', {most:,} of the "
                "largest: --class_weights balanced makes all classes count alike"
            )
            found.append(Finding("imbalance", counts[rarest], what))
    return found
