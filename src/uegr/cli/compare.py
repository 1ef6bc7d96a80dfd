"""uegr compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uegr.cli.app import app
from uegr.errors import TrainingError, UsageError
from uegr.terminal import console


@app.command()
def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="A grid (YAML file) to run, or folders and results.json files of runs.")
    ],
    results_dir: Annotated[
        Path | None, typer.Option("--results_dir", help="Results of a grid, one JSON a run; results/NAME.")
    ] = None,
    runs_dir: Annotated[Path | None, typer.Option("--runs_dir", help="Run folders of a grid; runs/NAME.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", help="Runs at once, in processes of one thread.")] = 1,
    keep_models: Annotated[bool, typer.Option("--keep_models", help="Keep the run folders, with weights.")] = False,
) -> None:
    """Print one table of several measured runs, or run a grid: methods x tasks x models x seeds.

    Finished runs of a grid are never run again, and a grid that was stopped or killed goes on where it was.
    """
    if any(path.suffix in (".yaml", ".yml") for path in runs):
        if len(runs) > 1:
            raise UsageError("a grid is run alone: give one YAML file, or only folders and results.json files.")
        _run(runs[0], results_dir, runs_dir, jobs, keep_models)
        return
    from uegr.report.results import read_results
    from uegr.report.table import terminal_table

    console.print(terminal_table([entry for path in runs for entry in read_results(path)]))


def _run(path: Path, results_dir: Path | None, runs_dir: Path | None, jobs: int, keep_models: bool) -> None:
    from uegr.compare.board import Board, board
    from uegr.compare.cell import Place
    from uegr.compare.engine import Inline, Processes
    from uegr.compare.grid import read_grid
    from uegr.compare.ledger import Ledger
    from uegr.compare.run import run_grid, unfinished

    grid = read_grid(path)
    place = Place(Ledger(results_dir or Path("results", grid.name)), runs_dir or Path("runs", grid.name), keep_models)
    engine = Inline() if jobs == 1 else Processes(jobs)
    with board(grid, place, console) as hear:
        failures = run_grid(grid, place, engine, hear)
    if not console.is_terminal:
        console.print(Board(grid, place))
    left = len(unfinished(grid, place))
    if failures:
        raise TrainingError(
            f"{len(failures)} of the grid's runs failed, {left} are left: mend the cause and run it again."
        )
    if left:
        raise TrainingError(f"stopped with {left} runs left: run the same command again to go on.")
