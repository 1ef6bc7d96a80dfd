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

from uegr.attack import Attack, build, refuse_unknown
from uegr.compare.files import mapping
from uegr.errors import UsageError
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.attacks.registry import EMBEDDING_ATTACKS
from uegr.evaluation.attacks.transfer import Transfer
from uegr.evaluation.evaluate import EPSILONS, TYPO_RATE
from uegr.evaluation.robustness import rising
from uegr.evaluation.typos import check_typo_rate
from uegr.forward.adversary.ball import Norm
from uegr.methods import entry_of, resolved_options
from uegr.tasks.data import Split
from uegr.tasks.source import DataSource
from uegr.training.precision import use_bf16
from uegr.training.run import RunConfig

VERSION = 2
"""Raise it when training or evaluation changes its numbers in a way that no option shows: all cells run again. What
concerns one method alone is its `Entry.revision`."""


@dataclass(frozen=True)
class Measurement:
    """How a trained cell is measured; see `uegr.evaluation.evaluate` and `PGD`.

    Args:
        epsilons: radii of the robustness curve.
        attack_norm, attack_relative, attack_steps, attack_restarts: of the embedding PGD.
        attack_examples: attack only so many test examples; None attacks all.
        attacks: further attacks by name, each with its options, on the same examples and, where they move the
            embeddings, in the same ball; see `uegr.attack`. Classifiers only.
        typo_rate: probability of a typing error a word.
        split: "test", or "validation" while anything is chosen by the numbers.

    Raises:
        UsageError: a value that no evaluation could work with.
    """

    epsilons: tuple[float, ...] = EPSILONS
    attack_norm: Norm = "l2"
    attack_relative: bool = True
    attack_steps: int = 5
    attack_restarts: int = 2
    attack_examples: int | None = None
    attacks: dict[str, Any] = field(default_factory=dict)
    typo_rate: float = TYPO_RATE
    split: Split = "test"

    def __post_init__(self) -> None:
        rising(self.epsilons)
        check_typo_rate(self.typo_rate)
        self.attack()
        self.further_attacks()
        if self.attack_examples is not None and self.attack_examples < 1:
            raise UsageError(f"attack_examples must be at least 1, or null for all, not {self.attack_examples}.")

    def attack(self) -> PGD:
        """The attack on the embeddings."""
        return PGD(self.attack_norm, self.attack_relative, self.attack_steps, self.attack_restarts)

    def further_attacks(self) -> list[Attack]:
        """Those that `attacks` names."""
        found = []
        for name, given in self.attacks.items():
            if name == Transfer.name:
                raise UsageError("a grid has no source to transfer from: use uegr attack --source RUN on runs kept.")
            options, ball = mapping(f"attack '{name}'", given), {}
            if name in EMBEDDING_ATTACKS:
                ball = {"norm": self.attack_norm, "relative": self.attack_relative}
            found.append(build(name, {**ball, **options}))
            refuse_unknown(options, found[-1:])
        return found

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of `uegr.measure.measure`."""
        return {
            "epsilons": self.epsilons,
            "attack": self.attack(),
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
