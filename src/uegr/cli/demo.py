"""uegr demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uegr.cli.app import app
from uegr.cli.terminal import console, progress


@app.command()
def demo(
    output_dir: Annotated[Path, typer.Option("--output_dir")] = Path("runs/demo"),
    seed: Annotated[int, typer.Option("--seed")] = 0,
) -> None:
    """Plain fine-tuning against UEGR on real film reviews, trained, attacked and reported in minutes."""
    from uegr.demo import run_demo
    from uegr.runs.run_table import terminal_table

    with progress() as report:
        results = run_demo(output_dir, seed, report)
    console.print(terminal_table(results))
    console.print(f"Look at {output_dir / 'report.html'} (and robustness.png, results.json beside it).")
