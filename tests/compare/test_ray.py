"""A local Ray cluster."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from conftest import reviews
from uegr.compare.cell import Cell
from uegr.compare.grid import make_grid
from uegr.compare.grid_runner import run_grid
from uegr.compare.ledger import Ledger
from uegr.compare.local_engines import CellEvent, Inline
from uegr.compare.ray_engine import RayCluster
from uegr.compare.workspace import Workspace
from uegr.errors import UsageError


def test_a_killed_worker_loses_nothing(model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL in mid-training: Ray runs the cell again, and it goes on from its checkpoint to the same result."""
    pytest.importorskip("ray", reason="needs Ray: pip install 'uegr[ray]'")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (Path(__file__).parents[2] / "src",))))
    reviews(60).to_csv(tmp_path / "reviews.csv", index=False)
    grid = make_grid(
        {
            "methods": ["plain"],
            "tasks": [{"name": "reviews", "train_file": str(tmp_path / "reviews.csv")}],
            "models": [str(model_folder)],
            "seeds": 2,
            "defaults": {
                "batch_size": 8,
                "learning_rate": 1e-2,
                "precision": "fp32",
                "epsilons": [0],
                "attack_examples": 2,
                "save_steps": 1,
            },
        },
        "tiny",
    )
    killed: list[int] = []
    steps: list[int] = []

    def kill(cell: Cell, event: CellEvent) -> None:
        if cell == grid.cells[0] and event.kind == "training":
            steps.append(event.done)
            workers = [one for one in psutil.process_iter(["name"]) if one.name().startswith("ray::run_on")]
            ours = [one.pid for one in workers if psutil.Process() in one.parents()]
            if not killed and event.done > 1 and ours:
                killed.extend(ours)
                os.kill(ours[0], signal.SIGKILL)

    there, here = (Workspace(Ledger(tmp_path / one), tmp_path / f"{one}-runs") for one in ("ray", "inline"))
    assert run_grid(grid, there, RayCluster(jobs=1), kill) == []
    assert killed
    assert steps.count(1) == 1, "the first step was made once"
    run_grid(grid, here, Inline())
    for cell in grid.cells:
        one, other = there.ledger.find(cell), here.ledger.find(cell)
        assert one and other and one["outcomes"] == other["outcomes"] and one["metrics"] == other["metrics"]


def test_without_ray_the_error_names_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uegr.compare.ray_engine.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'uegr\[ray\]'"):
        RayCluster()
