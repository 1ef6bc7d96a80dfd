"""uegr compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uegr.cli.app import app
from uegr.terminal import console


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders or results.json files of measured runs.")],
) -> None:
    """Print one table of several measured runs."""
    from uegr.report.results import read_results
    from uegr.report.table import terminal_table

    console.print(terminal_table([entry for path in runs for entry in read_results(path)]))
