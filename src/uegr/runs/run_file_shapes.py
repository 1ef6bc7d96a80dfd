"""The shapes of run.json and hardening.json, as far as they are read; docs/results-schema.md describes every field.

This module does not postpone its annotations: `TypedDict` would not see which keys are `NotRequired`.
"""

from typing import Any, NotRequired, TypedDict


class Config(TypedDict, total=False):
    """What a later command reads of the configuration of a run, all of it once the run is opened."""

    data: dict[str, Any]
    model: str
    method: str
    options: dict[str, Any]
    seed: int
    max_length: int


class DataFound(TypedDict):
    """What was found in the data; see `uegr.data.data_report`."""

    text_columns: NotRequired[list[str] | None]
    classes: NotRequired[dict[str, int]]
    findings: NotRequired[list[dict[str, Any]]]


class HardeningShape(TypedDict):
    """How the encoder was hardened before."""

    edits: str
    texts: int
    seconds: float


class StepCost(TypedDict, total=False):
    """What a later command reads of the cost; see `uegr.runs.result_parts.TrainingCost`."""

    seconds: float
    flop_ratio: float | None
    processor: str | None


class RunFile(TypedDict):
    """A run.json; in an unfinished run most keys are missing. Its kind is checked where a run is opened."""

    finished: NotRequired[bool]
    config: Config
    files: NotRequired[dict[str, str]]
    model_folder: NotRequired[dict[str, str]]
    precision: NotRequired[str]
    task: NotRequired[str]
    train_examples: NotRequired[int]
    data: NotRequired[DataFound]
    cost: NotRequired[StepCost]
    hardening: NotRequired[HardeningShape]
    views: NotRequired[list[str]]
    earlier_views: NotRequired[list[str | None]]


class HardeningConfigShape(TypedDict, total=False):
    """What a later command reads of the configuration of a hardening."""

    edits: str


class HardeningCost(TypedDict):
    """Size and time of a hardening."""

    texts: int
    seconds: float


class HardeningFile(TypedDict):
    """A hardening.json; in an unfinished hardening the cost is missing."""

    finished: NotRequired[bool]
    config: HardeningConfigShape
    files: NotRequired[dict[str, str]]
    model_folder: NotRequired[dict[str, str]]
    cost: NotRequired[HardeningCost]
    earlier_views: NotRequired[list[str | None]]
