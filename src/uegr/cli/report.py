"""uegr report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uegr.cli.app import app
from uegr.terminal import console


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders or results.json files of measured runs.")],
    output: Annotated[Path, typer.Option("--output", help="The page to write.")] = Path("report.html"),
) -> None:
    """Write a self-contained page about one or several measured runs."""
    from uegr.report.page import write_page
    from uegr.report.results import read_results

    write_page([entry for path in runs for entry in read_results(path)], output)
    console.print(f"wrote {output}")
