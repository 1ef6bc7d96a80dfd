"""One cell of a grid: one method, task, model and seed, and what exactly it is.

A cell is content-addressed: `content` spells out all that decides its numbers, the defaults of the method's
options included, so that a changed default is another cell. Its hash names the run's folder and its file.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from uegr.compare.cell_measurement import Measurement
from uegr.data.data_source import DataSource
from uegr.errors import UsageError
from uegr.methods.registry import entry_of, resolved_options
from uegr.training.precision import use_bf16
from uegr.training.run_config import RunConfig

VERSION = 2
"""Raise it when training or evaluation changes its numbers in a way that no option shows: all cells run again. What
concerns one method alone is its `Entry.revision`."""


@dataclass(frozen=True)
class Cell:
    """One run of a grid.

    Args:
        method, task, model: their names in the grid's tables.
        config: the training; its model may be a path with $VARIABLES, which stay in the cell's content.
        measurement: the evaluation.
    """

    method: str
    task: str
    model: str
    config: RunConfig
    measurement: Measurement = field(default_factory=Measurement)

    @property
    def seed(self) -> int:
        return self.config.seed

    @property
    def label(self) -> str:
        """For file names: "trec-bert-tiny-uegr-0"."""
        words = (self.task, self.model, self.method, str(self.seed))
        return "-".join(re.sub(r"[^\w.+=,-]+", "_", word) for word in words)

    def content(self) -> dict[str, Any]:
        """All that decides the numbers of this cell, as JSON would give it back, one level deep.

        Files of one's own stand in it with what they hold, "auto" precision with what it is on this machine.

        Raises:
            UsageError: such a file is not there.
        """
        method = resolved_options(self.config.method, self.config.options)
        parts = {
            "data": asdict(self.config.data),
            "train": {
                key: value for key, value in asdict(self.config).items() if key not in ("data", "options", "method")
            },
            "option": method,
            "measure": asdict(self.measurement),
        }
        parts["measure"]["attacks"] = {one.name: asdict(one) for one in self.measurement.further_attacks()}
        parts["train"]["precision"] = "bf16" if use_bf16(self.config.precision) else "fp32"
        for key in ("train_file", "validation_file", "test_file"):
            if path := getattr(self.config.data, key):
                parts["data"][f"{key}.sha256"] = _digest(path)
        flat = {f"{part}.{key}": value for part, values in parts.items() for key, value in values.items()}
        revision = entry_of(self.config.method).revision
        version = f"{VERSION}.{revision}" if revision else VERSION
        content: dict[str, Any] = json.loads(
            json.dumps({"version": version, "method": self.config.method, **flat}, sort_keys=True)
        )
        return content

    def with_defaults(self) -> Cell:
        """The cell of the same method with every setting at its default."""
        plain = RunConfig(DataSource(), method=self.config.method)
        return replace(self, config=plain, measurement=Measurement())


def _digest(path: str) -> str:
    try:
        state = os.stat(path)
    except OSError:
        raise UsageError(f"there is no file '{path}': check the path.") from None
    return _digest_of(path, state.st_mtime_ns, state.st_size)


@functools.cache
def _digest_of(path: str, changed: int, size: int) -> str:
    """SHA-256 of a file in this state; a grid asks for it once a cell."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def address(content: Mapping[str, Any]) -> str:
    """Ten hexadecimal digits of the SHA-256 of a cell's content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]


def with_model_path(config: RunConfig) -> RunConfig:
    """The configuration with the environment's values in its model's path.

    Raises:
        UsageError: a variable of the path is not set.
    """
    path = os.path.expandvars(config.model)
    missing = re.search(r"\$\{?(\w+)", path)
    if missing:
        raise UsageError(f"model '{config.model}' needs the environment variable {missing[1]}: set it to a folder.")
    return replace(config, model=path)
