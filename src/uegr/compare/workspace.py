"""Where cells are run and kept, and how one is run: train, measure, enter into the ledger."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from uegr.compare.cell import Cell, address, with_model_path
from uegr.compare.ledger import Ledger
from uegr.runs.attack import attack_run
from uegr.runs.evaluate import evaluate_run
from uegr.runs.run_folder import RUN, read_run
from uegr.runs.train import train_run
from uegr.training.precision import use_bf16
from uegr.training.products import bf16_products

Tell = Callable[[str, int, int], None]
"""Told what a cell is doing ("training", "attacking", or a further attack by its name), how much of it is done, and how
much there is."""


@dataclass(frozen=True)
class Workspace:
    """Where the cells of a grid are run and kept.

    Args:
        ledger: keeps the results.
        runs: folder of the run folders, one a cell.
        keep_models: leave a measured run's folder there, trained weights included; it is removed otherwise.
    """

    ledger: Ledger
    runs: Path
    keep_models: bool = False


def run_cell(cell: Cell, workspace: Workspace, tell: Tell) -> dict[str, Any]:
    """Train, measure and enter into the ledger, from wherever a former attempt was cut off.

    Returns:
        The cell's entry of results.json; that of the ledger, if it has been run.
    """
    training = {key: value for key, value in cell.content().items() if not key.startswith("measure.")}
    folder = workspace.runs / f"{cell.label}-{address(training)}"
    locks = workspace.runs / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    # A worker whose grid was killed may still be ending its last step here.
    with FileLock(locks / folder.name), bf16_products(use_bf16(cell.config.precision)):
        if (known := workspace.ledger.find(cell)) is not None:
            return known
        if not ((folder / RUN).exists() and read_run(folder).get("finished")):
            train_run(
                with_model_path(cell.config),
                folder,
                resume=True,
                cost=workspace.ledger.cost_of_step(cell),
                on_step=lambda done, total: tell("training", done, total),
            )
        asked = cell.measurement
        result = evaluate_run(
            folder, **asked.arguments(), on_examples=lambda done, total: tell("attacking", done, total)
        )
        if further := asked.further_attacks():
            result = attack_run(
                folder,
                further,
                examples=asked.attack_examples,
                split=asked.split,
                epsilons=asked.epsilons,
                on_examples=tell,
            )
        entry = {**result.to_dict(), "task": cell.task, "model": cell.model}
        workspace.ledger.enter(cell, entry)
        if not workspace.keep_models:
            shutil.rmtree(folder)
        return entry
