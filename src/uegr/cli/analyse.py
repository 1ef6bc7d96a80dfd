"""uegr analyse."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from uegr.cli.app import app
from uegr.cli.terminal import console, progress


@app.command()
def analyse(
    run: Annotated[Path, typer.Argument(help="Folder of a measured run.")],
    parts: Annotated[
        str,
        typer.Option("--parts", help="Of calibration,selective,ood,similarity,saliency,landscape; all if left out."),
    ] = "",
    examples: Annotated[int, typer.Option("--examples", min=2, help="Rows for the parts that cost many passes.")] = 100,
    ood: Annotated[str, typer.Option("--ood", help="Tasks whose texts are foreign: subj,trec.")] = "",
    split: Annotated[str, typer.Option("--split", help="test or validation.")] = "test",
) -> None:
    """Look into a run: calibration, similarity to the pretrained model, loss landscape and so on, into results.json."""
    from uegr.runs.analyse import analyse_run

    chosen = [one.strip() for one in parts.split(",")] if parts else None
    with progress() as report:
        result = analyse_run(
            run,
            chosen,
            examples=examples,
            split=split,
            ood_tasks=[one.strip() for one in ood.split(",")] if ood else [],
            on_part=report,
        )
    table = Table("part", "examples", "seconds", "time an example, in forward passes")
    for name, part in result.analysis.items():
        if chosen is None or name in chosen:
            cost = part["cost"]
            table.add_row(name, str(cost["examples"]), f"{cost['seconds']:.1f}", f"{cost['forward_passes']:.1f}")
    console.print(table)
