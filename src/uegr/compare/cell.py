"""One cell of a grid: one method, task, model and seed; what exactly it is, and how it is run.

A cell is content-addressed: `content` spells out all that decides its numbers, the defaults of the method's
options included, so that a changed default is another cell. Its hash names the run's folder and its file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from uegr.compare.ledger import Ledger
from uegr.errors import UsageError
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.evaluate import EPSILONS, TYPO_RATE
from uegr.forward.adversary.ball import Norm
from uegr.measure import measure
from uegr.methods import resolved_options
from uegr.tasks.source import DataSource
from uegr.training.folder import RUN, read_run
from uegr.training.run import RunConfig, train

VERSION = 2
"""Raise it when training or evaluation changes its numbers in a way that no option shows: all cells run again."""

Tell = Callable[[str, int, int], None]
"""Told what a cell is doing ("training", "attacking"), how much of it is done, and how much there is."""


@dataclass(frozen=True)
class Measurement:
    """How a trained cell is measured; see `uegr.evaluation.evaluate` and `PGD`.

    Args:
        epsilons: radii of the robustness curve.
        attack_norm, attack_relative, attack_steps, attack_restarts: of the embedding PGD.
        attack_examples: attack only so many test examples; None attacks all.
        typo_rate: probability of a typing error a word.
        split: "test", or "validation" while anything is chosen by the numbers.
    """

    epsilons: tuple[float, ...] = EPSILONS
    attack_norm: Norm = "l2"
    attack_relative: bool = True
    attack_steps: int = 5
    attack_restarts: int = 2
    attack_examples: int | None = None
    typo_rate: float = TYPO_RATE
    split: str = "test"

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of `uegr.measure.measure`."""
        attack = PGD(self.attack_norm, self.attack_relative, self.attack_steps, self.attack_restarts)
        return {
            "epsilons": self.epsilons,
            "attack": attack,
            "attack_examples": self.attack_examples,
            "typo_rate": self.typo_rate,
            "split": self.split,
        }


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
        """All that decides the numbers of this cell, as JSON would give it back, one level deep."""
        method = resolved_options(self.config.method, self.config.options)
        parts = {
            "data": asdict(self.config.data),
            "train": {
                key: value for key, value in asdict(self.config).items() if key not in ("data", "options", "method")
            },
            "option": method,
            "measure": asdict(self.measurement),
        }
        flat = {f"{part}.{key}": value for part, values in parts.items() for key, value in values.items()}
        content: dict[str, Any] = json.loads(
            json.dumps({"version": VERSION, "method": self.config.method, **flat}, sort_keys=True)
        )
        return content

    def with_defaults(self) -> Cell:
        """The cell of the same method with every setting at its default."""
        plain = RunConfig(DataSource(), method=self.config.method)
        return replace(self, config=plain, measurement=Measurement())


def address(content: Mapping[str, Any]) -> str:
    """Ten hexadecimal digits of the SHA-256 of a cell's content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]


@dataclass(frozen=True)
class Place:
    """Where the cells of a grid are run and kept.

    Args:
        ledger: keeps the results.
        runs: folder of the run folders, one a cell.
        keep_models: leave a measured run's folder there, trained weights included; it is removed otherwise.
    """

    ledger: Ledger
    runs: Path
    keep_models: bool = False


def run_cell(cell: Cell, place: Place, tell: Tell) -> dict[str, Any]:
    """Train, measure and enter into the ledger, from wherever a former attempt was cut off.

    Returns:
        The cell's entry of results.json; that of the ledger, if it has been run.
    """
    training = {key: value for key, value in cell.content().items() if not key.startswith("measure.")}
    folder = place.runs / f"{cell.label}-{address(training)}"
    locks = place.runs / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    # A worker whose grid was killed may still be ending its last step here.
    with FileLock(locks / folder.name):
        if (known := place.ledger.find(cell)) is not None:
            return known
        if not ((folder / RUN).exists() and read_run(folder).get("finished")):
            train(
                with_model_path(cell.config),
                folder,
                resume=True,
                cost=place.ledger.cost_of_step(cell),
                on_step=lambda done, total: tell("training", done, total),
            )
        entry = measure(
            folder,
            **cell.measurement.arguments(),
            on_examples=lambda done, total: tell("attacking", done, total),
        )
        entry = {**entry, "task": cell.task, "model": cell.model}
        place.ledger.enter(cell, entry)
        if not place.keep_models:
            shutil.rmtree(folder)
        return entry


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
