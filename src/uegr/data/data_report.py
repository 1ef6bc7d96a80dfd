"""The data report: one counted line for each problem of a data set that does not prevent training on it."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from datasets import Dataset

from uegr.data.kind import Kind
from uegr.data.overlap import text_hashes
from uegr.data.splits import LABEL, labels_of

logger = logging.getLogger("uegr")
UNBALANCED = 3.0
"""Classes are called unbalanced from this ratio of the largest to the smallest."""
LEAST_SPREAD = 1e-3
"""Smallest standard deviation of regression labels that AdamW learns well. The gradients are proportional to the
variance; below this, AdamW's epsilon of 1e-8 is large compared to them. On 1,000 pairs of STS-B, MiniLM reaches a
correlation of 75 at 3e-3, and of 33 at 3e-4."""


@dataclass(frozen=True)
class Finding:
    """One line of the data report.

    Args:
        kind: a short name for programs: "encoding", "nul", "duplicates", ...
        count: the number of cases.
        message: what they are and what was done about them.
    """

    kind: str
    count: int
    message: str

    def __str__(self) -> str:
        return f"{self.count:,} {self.message}"


def log_findings(findings: Iterable[Finding]) -> None:
    """Log what was found in data that no run keeps a report of: texts to predict on, or to measure a model with."""
    for finding in findings:
        logger.warning("note: %s.", finding)


def class_counts(rows: Dataset, label_names: Sequence[str], kind: Kind) -> dict[str, int]:
    """Return the number of rows of each class; for multi-label, of rows with each label; for token, of words."""
    if not label_names or not len(rows):
        return {}
    if kind == "token":
        counted = Counter(label for labels in rows[LABEL] for label in labels)
        return {name: counted[i] for i, name in enumerate(label_names)}
    labels = labels_of(rows)
    counts = labels.sum(axis=0) if kind == "multi_label" else np.bincount(labels, minlength=len(label_names))
    return {name: int(count) for name, count in zip(label_names, counts, strict=True)}


def data_findings(
    splits: dict[str, Dataset], text_columns: Sequence[str], label_names: Sequence[str], kind: Kind
) -> list[Finding]:
    """Report repeated texts within the training data and across splits, unbalanced classes, and numbers that are too
    close together."""
    findings = []
    hashes = {split: text_hashes(rows, text_columns) for split, rows in splits.items()}
    train = hashes["train"]
    if repeated := len(train) - len(np.unique(train)):
        findings.append(Finding("repeats", repeated, f"of {len(train):,} training texts repeat an earlier one"))
    for split in ("validation", "test"):
        if shared := int(np.isin(hashes[split], train).sum()):
            findings.append(Finding("duplicates", shared, f"of {len(hashes[split]):,} {split} texts are also in train"))
    counts = class_counts(splits["train"], label_names, kind)
    if counts and kind == "classification":
        rarest, largest = min(counts, key=lambda name: counts[name]), max(counts.values())
        if largest >= UNBALANCED * counts[rarest]:
            message = (
                f"of {sum(counts.values()):,} training examples are of the rarest class '{rarest}', {largest:,} of the "
                "largest: --class_weights balanced gives all classes the same influence"
            )
            findings.append(Finding("imbalance", counts[rarest], message))
    if kind == "regression" and (spread := float(np.std(splits["train"][LABEL][:]))) < LEAST_SPREAD:
        fault = (
            f"have a standard deviation of {spread:.2g}: multiply them, for example by 100; AdamW learns such small "
            "differences slowly"
        )
        message = fault if spread else "are all equal: there is nothing to learn"
        findings.append(Finding("spread", len(splits["train"]), f"training labels {message}"))
    return findings
