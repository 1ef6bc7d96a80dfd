"""Small grids and made-up runs for the tests of comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from conftest import reviews
from uegr.compare.cell import Cell
from uegr.compare.grid import Grid, make_grid
from uegr.compare.grid_summary import Table, summarise
from uegr.compare.result_slot import ResultSlot, Run
from uegr.compare.results_file import ResultsFile
from uegr.compare.workspace import Workspace
from uegr.evaluation.packed_outcomes import pack_outcomes

CLEAN_ACCURACY = {"plain": 0.8, "uegr": 0.8, "sam": 0.8}
ROBUST_ACCURACY = {"plain": 0.2, "uegr": 0.6, "sam": 0.2}


def tiny_grid(model_folder: Path, folder: Path) -> Grid:
    """Plain and UEGR on 60 made-up reviews, two seeds: a second of training per cell."""
    reviews(60).to_csv(folder / "reviews.csv", index=False)
    content = {
        "methods": ["plain", {"method": "uegr", "options": {"passes": 1}}],
        "tasks": [{"name": "reviews", "train_file": str(folder / "reviews.csv")}],
        "models": [str(model_folder)],
        "seeds": 2,
        "defaults": {
            "batch_size": 8,
            "learning_rate": 1e-2,
            "precision": "fp32",
            "epsilons": [0, 0.1],
            "attack_steps": 2,
            "attack_restarts": 1,
            "attack_examples": 4,
        },
    }
    return make_grid(content, "tiny")


def made_up_grid() -> Grid:
    """Three methods on two tasks, five seeds; its runs are made up by `made_up_run`."""
    return make_grid({"methods": list(CLEAN_ACCURACY), "tasks": ["sst2", "cola"], "seeds": 5}, "g")


def workspace(folder: Path, **changes: Any) -> Workspace:
    return Workspace(ResultsFile(folder / "results.jsonl"), folder / "runs", **changes)


def runs_without_times(grid: Grid, where: Workspace) -> list[Run]:
    """The results without wall times, which no two runs share."""
    runs = [run for cell in grid.cells if (run := where.results.find(cell))]
    stable = [{key: value for key, value in run.items() if key != "cost"} for run in runs]
    return [{**run, "robustness": {k: v for k, v in run["robustness"].items() if k != "cost"}} for run in stable]


def made_up_run(cell: Cell) -> Run:
    """A run whose accuracies are those of CLEAN_ACCURACY and ROBUST_ACCURACY, up to the noise of the seed."""
    generator = np.random.default_rng([len(cell.method), ord(cell.method[0]), cell.seed])
    clean = generator.random(400) < CLEAN_ACCURACY[cell.method]
    robust = np.stack([generator.random(200) < 0.8, generator.random(200) < ROBUST_ACCURACY[cell.method]])
    ece = {"plain": 0.1, "uegr": 0.1, "sam": 0.2}[cell.method] + generator.normal(0, 0.002)
    return {
        "method": cell.method,
        "task": cell.task,
        "model": cell.model,
        "seed": cell.seed,
        "train_examples": 100,
        "metric": "accuracy",
        "metrics": {"accuracy": float(clean.mean()), "ece": ece},
        "robustness": {
            "attack": "pgd",
            "norm": "l2",
            "relative": True,
            "epsilons": [0.0, 0.02],
            "accuracy": [float(accuracy) for accuracy in robust.mean(axis=1)],
            "examples": 200,
        },
        "outcomes": pack_outcomes(clean, robust, clean),
        "cost": {"seconds": 1.0, "flop_ratio": 2.0, "time_ratio": 3.0},
    }


def made_up_slots(cells: Iterable[Cell], run_of: Callable[[Cell], Run | None] = made_up_run) -> list[ResultSlot]:
    """The slots of these cells with made-up runs."""
    return [
        ResultSlot(cell.task, cell.model, cell.method, cell.seed, {"method": cell.config.method}, run_of(cell))
        for cell in cells
    ]


def first_task(grid: Grid) -> list[Cell]:
    return [cell for cell in grid.cells if cell.task == "sst2"]


def made_up_tables() -> list[Table]:
    """All runs of the first task, four of five seeds of the second."""
    cells = made_up_grid().cells
    return summarise(
        made_up_slots(cells, lambda cell: made_up_run(cell) if cell.task == "sst2" or cell.seed < 4 else None)
    )
