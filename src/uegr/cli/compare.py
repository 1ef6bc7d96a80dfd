"""uegr compare."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from uegr.cli.app import app, option
from uegr.cli.option_values import refuse_unused
from uegr.cli.shared_options import EngineOption, JobsOption
from uegr.cli.terminal import console
from uegr.errors import TrainingError, UsageError

if TYPE_CHECKING:
    from uegr.compare.grid import Grid
    from uegr.compare.local_engines import Engine
    from uegr.compare.workspace import Workspace


@app.command()
def compare(
    context: typer.Context,
    runs: Annotated[list[Path], typer.Argument(help="A grid (YAML), or folders or results.json files of runs.")],
    results: Annotated[
        Path | None, option("--results", "Results of a grid, one line per run. Default: results/NAME.jsonl.")
    ] = None,
    runs_dir: Annotated[Path | None, option("--runs_dir", "Run folders of a grid. Default: runs/NAME.")] = None,
    jobs: JobsOption = None,
    engine: EngineOption = "local",
    keep_models: Annotated[bool, option("--keep_models", "Keep the run folders with their weights.")] = False,
) -> None:
    """Print one table of several evaluated runs, or run a grid: methods x tasks x models x seeds.

    Finished runs of a grid are not run again: a grid that was stopped or killed continues where it was.
    """
    from uegr.compare.grid import read_grid
    from uegr.compare.grid_runner import engine_of
    from uegr.compare.results_file import ResultsFile
    from uegr.compare.workspace import Workspace
    from uegr.runs.results_json import read_results, with_settings
    from uegr.runs.run_table import terminal_table

    if not any(path.suffix in (".yaml", ".yml") for path in runs):
        refuse_unused(context, ("results", "runs_dir", "jobs", "engine", "keep_models"), "name a grid, a YAML file")
        console.print(terminal_table([with_settings(entry, path) for path in runs for entry in read_results(path)]))
        return
    if len(runs) > 1:
        raise UsageError("a grid is run alone: give one YAML file, or only folders and results.json files.")
    grid = read_grid(runs[0])
    results_file = ResultsFile(results or Path("results", f"{grid.name}.jsonl"))
    results_file.check()
    workspace = Workspace(results_file, runs_dir or Path("runs", grid.name), keep_models)
    _run(grid, workspace, engine_of(engine, jobs))


def _run(grid: Grid, workspace: Workspace, engine: Engine) -> None:
    from uegr.compare.grid_runner import check_data, run_grid, unfinished
    from uegr.compare.grid_summary import summarise
    from uegr.compare.grid_table import terminal
    from uegr.compare.progress_board import board
    from uegr.compare.result_slot import name_of_plain

    check_data(grid, workspace)
    failures: list[str] = []
    with board(grid, workspace, console) as on_event, suppress(KeyboardInterrupt):  # the runs that are left say it
        failures = run_grid(grid, workspace, engine, on_event)
    slots = workspace.results.slots(grid.cells)
    for table in summarise(slots, name_of_plain(slots)):
        console.print(terminal(table))
    console.print("±: 95 % interval of the mean over n seeds; ▲ ▼: better, worse than plain, p < 0.05 after Holm")
    left = len(unfinished(grid, workspace))
    if failures:
        raise TrainingError(f"{len(failures)} runs failed, {left} are left: fix the cause and run the grid again.")
    if left:
        raise TrainingError(f"stopped with {left} runs left: run the same command again to continue.")
