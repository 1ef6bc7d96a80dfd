"""What a registry entry says about a task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from datasets import Dataset

from uegr.data.data_packages import Package

Splits = dict[str, Dataset]
Kind = Literal["classification", "regression", "multi_label", "seq2seq", "causal_lm"]

ALL_PUBLIC = {"train": "train", "validation": "validation", "test": "test"}
GLUE_RULE = {"train": "train", "test": "validation"}
"""Where a benchmark hides its test labels, its published validation split is the test split here, and a
validation split is cut from the training data, stratified, seed 0: nothing is chosen on what is reported."""


@dataclass(frozen=True, kw_only=True)
class Hub:
    """Where a task lies on the Hugging Face hub, and how it is called there.

    Args:
        path, configuration: the arguments of `datasets.load_dataset`.
        columns: its column -> ours, where they differ.
        splits: its split -> the published split's common name, where they differ.
    """

    path: str
    configuration: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    splits: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task: what it asks, how it is scored, where it comes from.

    Args:
        text: the columns of text: one, or two for pairs.
        rows: published number of rows of each published split.
        source: where the rows of the local folder were taken from.
        cite, licence: the paper to cite; the licence as stated by the source.
        labels: names of the classes 0..C-1; none for the other kinds.
        target: the column with the label, the score or the text to be written.
        kind: what is predicted.
        metrics: names of `uegr.modeling.metrics.METRICS`; the first is the one that is published.
        family: tasks of a family can be evaluated with each other's models; see `uegr.data.label_maps`.
        splits: our split -> the published one.
        local_rows: rows of the local folder's splits, where it does not hold the published ones.
        folder: its name under UEGR_DATA, if not the task's own.
        hub: where the hub has it.
        package: the Python package that carries it.
        stand_in: the task to train on where this one has no training split.
        note: what one should know before quoting a number.
    """

    text: tuple[str, ...]
    rows: Mapping[str, int]
    source: str
    cite: str
    licence: str
    labels: tuple[str, ...] = ()
    target: str = "label"
    kind: Kind = "classification"
    metrics: tuple[str, ...] = ("accuracy",)
    family: str | None = None
    splits: Mapping[str, str] = field(default_factory=lambda: ALL_PUBLIC)
    local_rows: Mapping[str, int] | None = None
    folder: str | None = None
    hub: Hub | None = None
    package: Package | None = None
    stand_in: str | None = None
    note: str = ""
