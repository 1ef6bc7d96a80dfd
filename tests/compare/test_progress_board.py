from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from support.compare_samples import first_task, made_up_grid, made_up_run, workspace
from uegr.compare.grid import Grid
from uegr.compare.local_engines import CellEvent
from uegr.compare.progress_board import Board, board


def text_of(state: Board) -> str:
    console = Console(width=120)
    with console.capture() as captured:
        console.print(state)
    return captured.get()


def test_the_board_shows_finished_running_and_failed_cells(tmp_path: Path) -> None:
    grid, where = Grid("g", tuple(first_task(made_up_grid()))), workspace(tmp_path)
    first, second, third, *_ = grid.cells
    where.results.enter(first, made_up_run(first))
    state = Board(grid, where)
    assert "g: 1 of 15 runs" in text_of(state)
    state.on_event(second, CellEvent("training", 3, 10))
    assert second.label in text_of(state) and "3/10" in text_of(state)
    where.results.enter(second, made_up_run(second))
    state.on_event(second, CellEvent("done"))
    state.on_event(third, CellEvent("failed", message="the loss became nan"))
    text = text_of(state)
    assert "g: 2 of 15 runs, about" in text and "3/10" not in text and "(0/5)!" in text
    assert state.line(third, CellEvent("failed", message="no")) == f"[2/15] {third.label}: failed: no"


def test_a_log_has_one_line_per_finished_cell(tmp_path: Path) -> None:
    grid, where = made_up_grid(), workspace(tmp_path)
    console = Console(width=60)
    with console.capture() as captured, board(grid, where, console) as on_event:
        on_event(grid.cells[0], CellEvent("training", 1, 2))
        on_event(grid.cells[0], CellEvent("failed", message="no disk"))
    assert captured.get() == f"[0/30] {grid.cells[0].label}: failed: no disk\n"


def test_a_terminal_shows_why_a_cell_was_stopped(tmp_path: Path) -> None:
    grid, where = made_up_grid(), workspace(tmp_path)
    console = Console(width=120, file=io.StringIO(), force_terminal=True)
    with console.capture() as captured, board(grid, where, console) as on_event:
        on_event(grid.cells[0], CellEvent("interrupted", message="the disk is full"))
    assert f"[0/30] {grid.cells[0].label}: interrupted: the disk is full" in captured.get()
