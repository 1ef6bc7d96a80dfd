"""Cells are run once, go on where they were cut off, and fail alone."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from conftest import reviews
from test_doors import run
from uegr.cli.terminal import console
from uegr.compare.cell import Cell
from uegr.compare.grid import Grid, make_grid
from uegr.compare.grid_runner import run_grid, unfinished
from uegr.compare.ledger import Ledger
from uegr.compare.local_engines import CellEvent, Inline, Processes
from uegr.compare.progress_board import Board, board
from uegr.compare.workspace import Workspace
from uegr.errors import UsageError
from uegr.evaluation.packed_outcomes import pack_outcomes, unpack_outcomes
from uegr.methods.method import Method
from uegr.methods.registry import METHODS


@pytest.fixture
def grid(model_folder: Path, tmp_path: Path) -> Grid:
    reviews(60).to_csv(tmp_path / "reviews.csv", index=False)
    content = {
        "methods": ["plain", {"method": "uegr", "options": {"passes": 1}}],
        "tasks": [{"name": "reviews", "train_file": str(tmp_path / "reviews.csv")}],
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


def workspace(folder: Path, **changes: Any) -> Workspace:
    return Workspace(Ledger(folder / "results"), folder / "runs", **changes)


def entries(grid: Grid, where: Workspace) -> list[dict[str, Any]]:
    """The results without wall times, which no two runs share."""
    found = [where.ledger.find(cell) for cell in grid.cells]
    kept = [{key: value for key, value in entry.items() if key != "cost"} for entry in found if entry]
    return [{**one, "robustness": {k: v for k, v in one["robustness"].items() if k != "cost"}} for one in kept]


class PowerCutError(BaseException):
    pass


def test_killed_grid_goes_on_and_ends_as_an_uninterrupted_one(grid: Grid, tmp_path: Path) -> None:
    grid = Grid("short", grid.cells[:2])
    whole, cut = workspace(tmp_path / "whole"), workspace(tmp_path / "cut")
    assert run_grid(grid, whole) == []

    def kill(cell: Cell, event: CellEvent) -> None:
        if cell == grid.cells[1] and event.kind == "training" and event.done == 10:
            raise PowerCutError

    with pytest.raises(PowerCutError):
        run_grid(grid, cut, on_event=kill)
    assert unfinished(grid, cut) == list(grid.cells[1:])
    heard: list[tuple[str, str, int]] = []
    run_grid(grid, cut, on_event=lambda cell, event: heard.append((cell.label, event.kind, event.done)))
    steps = [done for label, kind, done in heard if label == grid.cells[1].label and kind == "training"]
    assert steps[0] == 8, "goes on after the checkpoint at the end of the first epoch"
    assert not [one for one in heard if one[0] == grid.cells[0].label]
    assert entries(grid, cut) == entries(grid, whole)
    assert [path.name for path in cut.runs.iterdir()] == [".locks"], "weights are dropped once measured"
    heard.clear()
    run_grid(grid, cut, on_event=lambda cell, event: heard.append((cell.label, event.kind, event.done)))
    assert heard == []


def test_same_data_order_for_every_method_and_one_cost_measurement_for_all_seeds(
    grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[tuple[str, int], list[torch.Tensor]] = {}
    measured: list[str] = []
    original = Method.loss

    def watch(self: Method, model: Any, batch: Any, *rest: Any) -> torch.Tensor:
        seen.setdefault((self.name, self.seed), []).append(batch["input_ids"])
        return original(self, model, batch, *rest)

    def count(model: Any, batch: Any, method: Method, *rest: Any, **more: Any) -> dict[str, float]:
        measured.append(method.name)
        return {"flop_ratio": 1.5, "time_ratio": 2.0}

    monkeypatch.setattr("uegr.runs.train.measure_cost", count)
    monkeypatch.setattr(Method, "loss", watch)
    where = workspace(tmp_path)
    run_grid(grid, where)
    for seed in (0, 1):
        pairs = list(zip(seen["plain", seed], seen["uegr", seed], strict=True))
        assert len(pairs) == 21 and all(torch.equal(one, other) for one, other in pairs)
    assert any(a.shape != b.shape or (a != b).any() for a, b in zip(seen["plain", 0], seen["plain", 1], strict=True))
    assert measured == ["plain", "uegr"]
    assert {where.ledger.find(cell)["cost"]["flop_ratio"] for cell in grid.cells} == {1.5}  # type: ignore[index]


def test_a_method_that_was_changed_in_its_code_is_run_again_and_no_other(
    grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = workspace(tmp_path)
    plain, uegr = grid.cells[:2]
    for cell in (plain, uegr):
        where.ledger.enter(cell, {"metrics": {}})
    monkeypatch.setitem(METHODS, "uegr", replace(METHODS["uegr"], revision=METHODS["uegr"].revision + 1))
    assert where.ledger.find(uegr) is None
    assert where.ledger.find(plain) == {"metrics": {}}


def test_failing_cell_is_told_in_one_line_and_stops_nothing(grid: Grid, tmp_path: Path) -> None:
    broken = replace(grid.cells[0], model="gone", config=replace(grid.cells[0].config, model="/nowhere"))
    crashing = replace(grid.cells[0], task="empty", config=replace(grid.cells[0].config, epochs=0.0))
    some = Grid("some", (broken, crashing, grid.cells[0]))
    where = workspace(tmp_path)
    with board(some, where, console) as on_event:
        failures = run_grid(some, where, on_event=on_event)
    assert len(failures) == 2 and all("\n" not in line for line in failures)
    assert "'/nowhere' was found neither" in failures[0]
    assert unfinished(some, where) == [broken, crashing]
    with console.capture() as captured:
        console.print(Board(some, where))
    assert "1 of 3 runs" in captured.get()


def test_a_result_stands_for_its_content_only(grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cell, ledger = grid.cells[1], Ledger(tmp_path)
    ledger.enter(cell, {"cost": {}})
    assert ledger.find(cell) == {"cost": {}}
    twin = replace(cell, method="by another name", config=replace(cell.config, options={"passes": 1, "js_weight": 1.0}))
    assert ledger.find(twin) == {"cost": {}}, "an option given at its default is the same cell"
    assert ledger.find(replace(cell, config=replace(cell.config, learning_rate=0.5))) is None
    assert ledger.find(replace(cell, measurement=replace(cell.measurement, attack_steps=9))) is None
    path = next(tmp_path.glob("*.json"))
    file = json.loads(path.read_text())
    # An option that a later version added: nobody set it, so the result still stands.
    del file["content"]["option.js_weight"]
    path.write_text(json.dumps(file))
    ledger = Ledger(tmp_path)
    assert ledger.find(cell) is not None
    assert ledger.find(replace(cell, config=replace(cell.config, options={"passes": 1, "js_weight": 0.0}))) is None
    # A default that a later version changed: the result was another method's.
    file["content"]["option.epsilon"] = 0.5
    path.write_text(json.dumps(file))
    assert Ledger(tmp_path).find(cell) is None
    path.write_text("{")
    with pytest.raises(UsageError, match="remove it"):
        Ledger(tmp_path).find(cell)


def test_a_grid_has_further_attacks(grid: Grid, tmp_path: Path) -> None:
    attacks: dict[str, Any] = {"auto-pgd": {"steps": 3, "restarts": 1}, "typos": None}
    plain = grid.cells[0]
    cell = replace(plain, measurement=replace(plain.measurement, attacks=attacks))
    where = workspace(tmp_path)
    assert run_grid(Grid("further", (cell,)), where) == []
    entry = where.ledger.find(cell)
    assert entry is not None and where.ledger.find(plain) is None
    assert cell.content()["measure.attacks"]["typos"]["rate"] == 0.3, "with its defaults"
    (curve,), (text,) = entry["embedding_attacks"], entry["text_attacks"]
    assert (curve["attack"], curve["steps"], curve["epsilons"], curve["examples"]) == ("auto-pgd", 3, [0.0, 0.1], 4)
    assert (text["attack"], text["examples"]) == ("typos", 4)


def test_a_file_that_was_rewritten_is_other_data(grid: Grid, tmp_path: Path) -> None:
    cell, ledger = grid.cells[0], Ledger(tmp_path / "results")
    ledger.enter(cell, {"cost": {}})
    assert ledger.find(cell) is not None
    file = Path(str(cell.config.data.train_file))
    file.write_text(file.read_text().replace("good", "bad", 1) + "\n")
    assert ledger.find(cell) is None
    file.unlink()
    with pytest.raises(UsageError, match="there is no file"):
        ledger.find(cell)


def test_a_killed_process_loses_nothing(grid: Grid, tmp_path: Path) -> None:
    """SIGKILL in mid-cell: the cell is reported, the next runs in a fresh process, and a second go finishes."""
    some = Grid("some", grid.cells[1:3])
    where = workspace(tmp_path / "processes")
    killed: list[int] = []

    def kill(cell: Cell, event: CellEvent) -> None:
        if cell == some.cells[0] and event.kind == "training" and event.done == 10 and not killed:
            import multiprocessing

            killed.extend(one.pid for one in multiprocessing.active_children() if one.pid)
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    failures = run_grid(some, where, Processes(1), kill)
    assert len(killed) == 1 and len(failures) == 1 and "exit code -9" in failures[0]
    assert unfinished(some, where) == [some.cells[0]]
    run_grid(some, where, Inline())
    first, alone = Grid("first", some.cells[:1]), workspace(tmp_path / "inline")
    run_grid(first, alone, Inline())
    assert entries(first, where) == entries(first, alone) != []


def test_outcomes_come_back_as_they_were() -> None:
    generator = torch.Generator().manual_seed(0)
    clean = (torch.rand(13, generator=generator) < 0.5).numpy()
    robust = (torch.rand(3, 9, generator=generator) < 0.5).numpy()
    entry = {"outcomes": json.loads(json.dumps(pack_outcomes(clean, robust))), "robustness": {"examples": 9}}
    back = unpack_outcomes(entry)
    assert back is not None
    assert (back[0] == clean).all() and (back[1] == robust).all()
    assert unpack_outcomes({"robustness": {}}) is None


def test_grids_on_the_command_line(
    grid: Grid, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    where = workspace(tmp_path)
    for cell in grid.cells:
        curve = {"epsilons": [0.0, 0.1], "accuracy": [0.9, 0.5], "examples": 4}
        entry = {"metrics": {"accuracy": 0.9}, "robustness": curve, "cost": {"flop_ratio": 1.0, "time_ratio": 1.0}}
        where.ledger.enter(cell, entry)
    monkeypatch.setattr("uegr.compare.grid.read_grid", lambda path: grid)
    folders = ["--results_dir", str(where.ledger.folder), "--runs_dir", str(where.runs)]
    assert run(["compare", "grid.yaml", *folders]) == 0
    assert "90.0 ± 0.0" in capsys.readouterr().out
    for wrong, message in ((["--jobs", "0"], "at least 1"), (["--engine", "slurm"], "choose one of local, ray")):
        assert run(["compare", "grid.yaml", *folders, *wrong]) == 2
        assert message in capsys.readouterr().err
    assert run(["compare", "grid.yaml", "runs/one"]) == 2
    assert "a grid is run alone" in capsys.readouterr().err
