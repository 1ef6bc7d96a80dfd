"""The fields of a registry entry: `Task`, and `Hub` for where the Hugging Face hub has it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from datasets import Dataset

from uegr.data.data_packages import Package
from uegr.data.kind import Kind
from uegr.data.splits import SPLITS

Splits = dict[str, Dataset]

ALL_PUBLIC = {split: split for split in SPLITS}
GLUE_RULE = {"train": "train", "test": "validation"}
"""For benchmarks with hidden test labels: the published validation split is the test split here, and a validation split
is cut from the training data, stratified, seed 0, so that nothing is chosen on the reported data."""


@dataclass(frozen=True, kw_only=True)
class Hub:
    """The data set of a task on the Hugging Face hub, and its names there.

    Args:
        path, configuration: the arguments of `datasets.load_dataset`.
        columns: name of a column on the hub -> name in the registry, where they differ.
        splits: name of a split on the hub -> "train", "validation" or "test", where they differ.
    """

    path: str
    configuration: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    splits: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Task:
    """One named task: its columns and labels, its metrics, its sources.

    Args:
        text: the columns of text, one, or two for pairs.
        rows: number of rows of each published split.
        source: where the rows in the folder UEGR_DATA were taken from.
        cite, licence: the paper to cite, and the licence as stated by the source.
        labels: names of the classes 0..C-1; empty for kinds without classes.
        target: the column of the label, the score or the target text.
        kind: what is predicted.
        metrics: names in `uegr.modeling.metrics.METRICS`; the first is the published one.
        family: models of one task of a family can be evaluated on its other tasks; see `uegr.data.label_maps`.
        splits: split here -> published split.
        local_rows: number of rows in the folder UEGR_DATA, where it differs from `rows`.
        folder: name of the folder in UEGR_DATA, if it is not the task's name.
        hub: its data set on the hub.
        package: the Python package that contains it.
        stand_in: the task to train on where this one has no training split.
        note: what to know before quoting a number.
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
