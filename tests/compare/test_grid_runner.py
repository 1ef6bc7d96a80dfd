"""A grid that was stopped continues where it was, and a failing cell stops no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from support.compare_samples import runs_without_times, tiny_grid, workspace
from uegr.cli.terminal import console
from uegr.compare.cell import Cell
from uegr.compare.cell_measurement import Measurement
from uegr.compare.grid import Grid
from uegr.compare.grid_runner import check_data, engine_of, run_grid, unfinished
from uegr.compare.local_engines import CellEvent, Inline, Processes
from uegr.compare.progress_board import Board, board
from uegr.compare.result_slot import read_slots
from uegr.data.data_source import DataSource
from uegr.errors import UsageError


@pytest.fixture
def grid(model_folder: Path, tmp_path: Path) -> Grid:
    return tiny_grid(model_folder, tmp_path)


class PowerCutError(BaseException):
    pass


def test_killed_grid_continues_and_ends_as_an_uninterrupted_one(grid: Grid, tmp_path: Path) -> None:
    grid = Grid("short", grid.cells[:2])
    whole, cut = workspace(tmp_path / "whole"), workspace(tmp_path / "cut")
    assert run_grid(grid, whole) == []

    def kill(cell: Cell, event: CellEvent) -> None:
        if cell == grid.cells[1] and event.kind == "training" and event.done == 10:
            raise PowerCutError

    with pytest.raises(PowerCutError):
        run_grid(grid, cut, on_event=kill)
    assert unfinished(grid, cut) == list(grid.cells[1:])
    assert [slot.run is None for slot in read_slots(cut.results.path)] == [False, True], "the missing run has a line"
    events: list[tuple[str, str, int]] = []
    run_grid(grid, cut, on_event=lambda cell, event: events.append((cell.label, event.kind, event.done)))
    steps = [done for label, kind, done in events if label == grid.cells[1].label and kind == "training"]
    assert steps[0] == 8, "continues after the checkpoint at the end of the first epoch"
    assert not [label for label, *_ in events if label == grid.cells[0].label]
    assert runs_without_times(grid, cut) == runs_without_times(grid, whole)
    assert [path.name for path in cut.runs.iterdir()] == [".locks"], "weights are dropped once measured"
    events.clear()
    run_grid(grid, cut, on_event=lambda cell, event: events.append((cell.label, event.kind, event.done)))
    assert events == []


def test_failing_cell_is_reported_in_one_line_and_stops_nothing(grid: Grid, tmp_path: Path) -> None:
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


def test_two_names_of_one_content_are_trained_once_and_both_have_a_line(grid: Grid, tmp_path: Path) -> None:
    """Also where both begin at once, in two processes."""
    plain = grid.cells[0]
    twins = Grid("twins", (plain, replace(plain, method="baseline")))
    where, trained = workspace(tmp_path), set()

    def on_event(cell: Cell, event: CellEvent) -> None:
        if event.kind == "training":
            trained.add(cell.method)

    assert run_grid(twins, where, Processes(2), on_event) == []
    assert len(trained) == 1
    slots = read_slots(where.results.path)
    assert [slot.method for slot in slots] == ["plain", "baseline"]
    assert slots[0].run is not None and slots[0].run == slots[1].run


def test_engines_by_name() -> None:
    assert isinstance(engine_of("local", None), Inline) and isinstance(engine_of("local", 2), Processes)
    with pytest.raises(UsageError, match="at least 1"):
        engine_of("local", 0)
    with pytest.raises(UsageError, match="choose one of local, ray"):
        engine_of("slurm", None)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda cell: replace(cell.config.data, text_column="words"), "has no column 'words'"),
        (lambda cell: replace(cell.config.data, train_file="gone.csv"), "gone.csv"),
    ],
)
def test_data_that_cannot_be_read_is_said_before_anything_runs(
    changed: Callable[[Cell], DataSource], message: str, grid: Grid, tmp_path: Path
) -> None:
    last = grid.cells[-1]
    broken = replace(last, config=replace(last.config, data=changed(last)))
    with pytest.raises(UsageError, match=message):
        check_data(Grid("some", (grid.cells[0], broken)), workspace(tmp_path))


def test_of_a_finished_grid_no_data_is_needed(grid: Grid, tmp_path: Path) -> None:
    cell = replace(grid.cells[0], config=replace(grid.cells[0].config, data=DataSource(task="cr")))
    where = workspace(tmp_path)
    where.results.enter(cell, {"metrics": {"accuracy": 0.9}, "cost": {}})
    check_data(Grid("some", (cell,)), where)
    assert not where.runs.exists()


def test_a_transfer_set_that_is_not_there_is_said_before_anything_runs(grid: Grid, tmp_path: Path) -> None:
    cell = replace(grid.cells[0], measurement=Measurement(transfer=("cr",)))
    with pytest.raises(UsageError, match="point UEGR_DATA at a folder that has the task"):
        check_data(Grid("some", (cell,)), workspace(tmp_path))
