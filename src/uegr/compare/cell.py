"""One cell of a grid: one method, task, model and seed, and the content that identifies it.

A cell is identified by its content: everything that decides its numbers, including the defaults of the method's
options, so that a changed default gives a different cell. A hash of the content names the folder of the run.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from uegr.compare.cell_content import DIGEST, MODEL_DIGEST
from uegr.compare.cell_measurement import Measurement
from uegr.data.data_source import DataSource
from uegr.data.expanded_paths import expanded_path
from uegr.data.file_digests import digest_of_folder, sha256_of
from uegr.methods.method_lookup import config_class, make_config
from uegr.methods.own_code import code_digests
from uegr.modeling.model_loading import folder_of_model
from uegr.training.run_config import RunConfig

VERSION = 2
"""Increase it when training or evaluation changes its numbers in a way that no option shows: all cells run again. If
only one method is concerned, increase its `MethodConfig.revision` instead."""


@dataclass(frozen=True)
class Cell:
    """One run of a grid.

    Args:
        method, task, model: their names in the grid's tables.
        config: the training. Its model may be a path with $VARIABLES; they are not expanded in the cell's content.
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
        """Everything that decides the numbers of this cell, as JSON types in a mapping without nesting.

        The user's own files and model folders are represented by a digest of what they hold.
        """
        parts = {
            "data": asdict(self.config.data),
            "train": {
                key: value for key, value in asdict(self.config).items() if key not in ("data", "options", "method")
            },
            "option": make_config(self.config.method, self.config.options).options(),
            "measure": asdict(self.measurement),
        }
        parts["measure"]["attacks"] = self.measurement.attack_options()
        if not self.measurement.calibrated:  # the runs of earlier versions do not have it
            del parts["measure"]["calibrated"]
        for key in ("train_file", "validation_file", "test_file"):
            if path := getattr(self.config.data, key):
                parts["data"][key + DIGEST] = sha256_of(Path(path))
        flat = {f"{part}.{key}": value for part, values in parts.items() for key, value in values.items()}
        if folder := folder_of_model(self.config.model):
            flat[MODEL_DIGEST] = digest_of_folder(folder)
        method = config_class(self.config.method)
        if own_code := code_digests(method):
            flat[f"code{DIGEST}"] = own_code
        revision = method.revision
        version = f"{VERSION}.{revision}" if revision else VERSION
        content: dict[str, Any] = json.loads(
            json.dumps({"version": version, "method": self.config.method, **flat}, sort_keys=True)
        )
        return content

    def with_defaults(self) -> Cell:
        """The cell of the same method with every setting at its default."""
        config = RunConfig(DataSource(), method=self.config.method)
        return replace(self, config=config, measurement=Measurement())


def with_model_path(config: RunConfig) -> RunConfig:
    """The configuration with its model's path as a shell would read it."""
    return replace(config, model=expanded_path("model", config.model))
