"""uegr report."""

from pathlib import Path
from typing import Annotated

import typer

from uegr.cli.app import app, option
from uegr.cli.terminal import console
from uegr.errors import UsageError


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders of evaluated runs, or their results.json files.")],
    output: Annotated[Path, option("--output", "The HTML file to write.")] = Path("report.html"),
    figures: Annotated[Path | None, option("--figures", "Folder for the figures as PNG and SVG files.")] = None,
) -> None:
    """Write one HTML page with the figures and tables of one or several evaluated runs."""
    from uegr.atomic_files import is_stream
    from uegr.report.figures.catalogue import draw
    from uegr.report.figures.render import save_figures
    from uegr.report.page import write_page
    from uegr.runs.results_json import read_results_and_logs

    if output.is_dir():
        raise UsageError(f"'{output}' is a folder: give --output the name of an HTML file.")
    if output.suffix.lower() not in (".html", ".htm") and not is_stream(output):
        raise UsageError(f"'{output}' is not the name of an HTML file: let --output end in .html.")
    results = read_results_and_logs(runs)
    sections = draw(results)
    write_page(results, sections, output)
    messages = [f"wrote {output}"]
    if figures is not None:
        written = save_figures([chart for charts in sections.values() for chart in charts], figures)
        messages.append(f"wrote {len(written)} files into {figures}")
    if not is_stream(output):  # the page would have the messages in it
        for message in messages:
            console.print(message)
