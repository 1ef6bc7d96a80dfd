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
from uegr.compare.local_engines import CellEvent, Inline
from uegr.compare.ray_engine import RayCluster, gpu_share
from uegr.compare.results_file import ResultsFile
from uegr.compare.workspace import Workspace
from uegr.errors import UsageError


def test_a_killed_worker_loses_nothing(model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL during training: Ray runs the cell again, and it continues from its checkpoint to the same result."""
    pytest.importorskip("ray", reason="needs Ray: pip install 'uegr[ray]'")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2] / "src"))
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
            processes = psutil.process_iter(["name"])
            workers = [process for process in processes if process.name().startswith("ray::run_on")]
            own_workers = [worker.pid for worker in workers if psutil.Process() in worker.parents()]
            if not killed and event.done > 1 and own_workers:
                killed.extend(own_workers)
                os.kill(own_workers[0], signal.SIGKILL)

    ray, inline = (Workspace(ResultsFile(tmp_path / f"{name}.jsonl"), tmp_path / name) for name in ("ray", "inline"))
    assert run_grid(grid, ray, RayCluster(jobs=1), kill) == []
    assert killed
    assert steps.count(1) == 1, "the first step was made once"
    run_grid(grid, inline, Inline())
    for cell in grid.cells:
        run, expected = ray.results.find(cell), inline.results.find(cell)
        assert run and expected and run["outcomes"] == expected["outcomes"] and run["metrics"] == expected["metrics"]


def test_without_ray_the_error_names_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uegr.compare.ray_engine.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'uegr\[ray\]'"):
        RayCluster()


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({"CPU": 8.0}, 0.0),
        ({"CPU": 8.0, "GPU": 1.0}, 0.125),
        ({"CPU": 2.0, "GPU": 4.0}, 1.0),
        ({"CPU": 3.0, "GPU": 1.0}, 0.3333),
    ],
)
def test_cells_share_the_gpus(resources: dict[str, float], expected: float) -> None:
    """Ray hides the GPUs from a task that asks for none."""
    assert gpu_share(resources) == expected
