"""Resumable studies: experiments/study_runs.py."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from experiments.study_runs import run_cells


@dataclass(frozen=True)
class Cell:
    seed: int


def test_a_study_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path, measured_seeds = tmp_path / "study.json", []

    def measured(cell: Cell) -> dict[str, float]:
        measured_seeds.append(cell.seed)
        return {"accuracy": 0.5}

    run_cells([Cell(0)], measured, path, {}, minutes=1)
    run_cells([Cell(0), Cell(1)], measured, path, {"model": "tiny"}, minutes=1)
    run_cells([Cell(0), Cell(2)], measured, path, {}, minutes=-1)
    assert measured_seeds == [0, 1]
    document = json.loads(path.read_text())
    assert [run["seed"] for run in document["runs"]] == [0, 1] and document["settings"] == {"model": "tiny"}
