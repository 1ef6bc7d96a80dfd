"""uegr compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from uegr.cli.app import app
from uegr.cli.terminal import console
from uegr.errors import TrainingError, UsageError

if TYPE_CHECKING:
    from uegr.compare.grid import Grid
    from uegr.compare.local_engines import Engine
    from uegr.compare.workspace import Workspace
    from uegr.evaluation.statistics import Interval


@app.command()
def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="A grid (YAML file) to run, or folders and results.json files of runs.")
    ],
    results_dir: Annotated[
        Path | None, typer.Option("--results_dir", help="Results of a grid, one JSON a run; results/NAME.")
    ] = None,
    runs_dir: Annotated[Path | None, typer.Option("--runs_dir", help="Run folders of a grid; runs/NAME.")] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", help="Runs at once, in processes of one thread.")] = None,
    engine: Annotated[str, typer.Option("--engine", help="local, or ray: a Ray cluster.")] = "local",
    keep_models: Annotated[bool, typer.Option("--keep_models", help="Keep the run folders, with weights.")] = False,
    bca: Annotated[bool, typer.Option("--bca", help="BCa bootstrap intervals over the seeds.")] = False,
) -> None:
    """Print one table of several measured runs, or run a grid: methods x tasks x models x seeds.

    Finished runs of a grid are never run again, and a grid that was stopped or killed goes on where it was.
    """
    from uegr.compare.grid import read_grid
    from uegr.compare.grid_runner import engine_of
    from uegr.compare.ledger import Ledger
    from uegr.compare.workspace import Workspace
    from uegr.runs.run_folder import read_results
    from uegr.runs.run_table import terminal_table

    if not any(path.suffix in (".yaml", ".yml") for path in runs):
        console.print(terminal_table([entry for path in runs for entry in read_results(path)]))
        return
    if len(runs) > 1:
        raise UsageError("a grid is run alone: give one YAML file, or only folders and results.json files.")
    grid = read_grid(runs[0])
    ledger = Ledger(results_dir or Path("results", grid.name))
    workspace = Workspace(ledger, runs_dir or Path("runs", grid.name), keep_models)
    _run(grid, workspace, engine_of(engine, jobs), "bca" if bca else "t")


def _run(grid: Grid, workspace: Workspace, engine: Engine, interval: Interval) -> None:
    from uegr.compare.grid_runner import run_grid, unfinished
    from uegr.compare.grid_summary import summarise
    from uegr.compare.grid_table import terminal
    from uegr.compare.progress_board import board

    with board(grid, workspace, console) as on_event:
        failures = run_grid(grid, workspace, engine, on_event)
    for table in summarise(grid, workspace.ledger, interval):
        console.print(terminal(table))
    console.print("±: 95 % interval of the mean over n seeds; ▲ ▼: better, worse than plain, p < 0.05 after Holm")
    left = len(unfinished(grid, workspace))
    if failures:
        raise TrainingError(f"{len(failures)} runs failed, {left} are left: mend the cause and run the grid again.")
    if left:
        raise TrainingError(f"stopped with {left} runs left: run the same command again to go on.")
