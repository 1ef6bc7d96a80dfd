"""uegr score."""

from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.table import Table

from uegr.cli.app import app
from uegr.cli.terminal import console


@app.command()
def score(
    runs: Annotated[
        list[Path], typer.Argument(help="Runs, one per task of AdvGLUE, that were evaluated with --on advglue_TASK.")
    ],
) -> None:
    """Print AdvGLUE's score of several runs, as defined by its own evaluation script."""
    from uegr.evaluation.benchmark_scores import advglue_score, measured_on
    from uegr.runs.results_json import read_results

    scores = advglue_score(measured_on([result.to_dict() for path in runs for result in read_results(path)]))
    table = Table("task", "score %", box=SIMPLE)
    for task, value in scores.items():
        table.add_row(task, f"{100 * value:.1f}")
    console.print(table)
