"""uegr tune."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.table import Table

from uegr.cli.app import app, option
from uegr.cli.shared_options import EngineOption, JobsOption
from uegr.cli.terminal import console
from uegr.errors import TrainingError, UsageError

if TYPE_CHECKING:
    from uegr.compare.tuning import Tuning


@app.command()
def tune(
    file: Annotated[Path, typer.Argument(help="A grid with search spaces (YAML file).")],
    results: Annotated[
        Path | None, option("--results", "Results, one line per run. Default: results/NAME.jsonl.")
    ] = None,
    runs_dir: Annotated[Path | None, option("--runs_dir", "Run folders. Default: runs/NAME.")] = None,
    jobs: JobsOption = None,
    engine: EngineOption = "local",
) -> None:
    """Choose options on validation data, with the same number of trials for every method; writes NAME.tuned.yaml.

    A search that was stopped or killed continues where it was.
    """
    if find_spec("optuna") is None:
        raise UsageError("uegr tune needs Optuna: pip install 'uegr[tune]'.")
    from uegr.compare.cell import Cell
    from uegr.compare.grid_runner import check_data, engine_of
    from uegr.compare.local_engines import CellEvent
    from uegr.compare.results_file import ResultsFile
    from uegr.compare.tuning import read_tuning, tuned_path
    from uegr.compare.tuning import tune as run_tuning
    from uegr.compare.workspace import Workspace

    tuning = read_tuning(file)
    results_file = ResultsFile(results or Path("results", f"{tuning.name}.jsonl"))
    results_file.check()
    workspace = Workspace(results_file, runs_dir or Path("runs", tuning.name))

    check_data(tuning.grid([search.item for search in tuning.searches]), workspace)

    def on_event(cell: Cell, event: CellEvent) -> None:
        if event.final:
            console.print(f"{cell.label}: {event.kind} {event.message}", highlight=False, soft_wrap=True)

    try:
        run_tuning(tuning, workspace, engine_of(engine, jobs), on_event)
    finally:
        if any(search.best for search in tuning.searches):
            console.print(_chosen_values(tuning))
            console.print(f"wrote {tuned_path(workspace)}")
        for search in tuning.searches:
            if search.refused:
                console.print(
                    f"{search.name}: values that no run can have, {len(search.refused)} in all, were drawn again, such "
                    f"as {search.refused[0]['params']}: {search.refused[0]['error']}",
                    highlight=False,
                )
    values = [trial["value"] for search in tuning.searches for trial in search.trials]
    if failed := values.count(None):
        raise TrainingError(f"{failed} of {len(values)} trials failed: fix the cause and run the same command again.")


def _chosen_values(tuning: Tuning) -> Table:
    """Return the best trial of each method that has one, beside the first, which has its own values."""
    table = Table("method", "trials", f"best {tuning.objective}", "default", "chosen", box=SIMPLE, pad_edge=False)
    for search in tuning.searches:
        best = search.best
        if best is None:
            continue
        first = search.trials[0]["value"]
        default = "failed" if first is None else f"{first:.4f}"
        values = [f"{key} {value}" for key, value in best["params"].items()]
        chosen = ", ".join([*values, *(f"{key} of each task and model" for key in search.left_to_tasks)])
        table.add_row(search.name, str(len(search.trials)), f"{best['value']:.4f}", default, chosen)
    return table
