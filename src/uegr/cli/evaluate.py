"""uegr evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uegr.cli.app import app
from uegr.cli.options import numbers
from uegr.errors import UsageError
from uegr.terminal import console, progress


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    epsilons: Annotated[str, typer.Option("--epsilons", help="Radii of the robustness curve.")] = "",
    norm: Annotated[str, typer.Option("--norm", help="l2 (a sequence), l2_token or linf.")] = "l2",
    absolute: Annotated[
        bool, typer.Option("--absolute", help="Epsilons are radii, not relative to the model.")
    ] = False,
    steps: Annotated[int, typer.Option("--steps", help="PGD steps a restart.")] = 5,
    restarts: Annotated[int, typer.Option("--restarts")] = 2,
    attack_examples: Annotated[int | None, typer.Option("--attack_examples", help="Attack only N, drawn once.")] = None,
    typo_rate: Annotated[float, typer.Option("--typo_rate", help="Probability of a typing error a word.")] = 0.3,
    split: Annotated[str, typer.Option("--split", help="test or validation.")] = "test",
) -> None:
    """Measure a run: accuracy, calibration, typing errors, robustness curve. Writes results.json into it."""
    from uegr.evaluation.attacks.pgd import PGD
    from uegr.evaluation.evaluate import EPSILONS
    from uegr.measure import measure
    from uegr.report.table import terminal_table

    if split not in ("test", "validation"):
        raise UsageError(f"--split is test or validation, not '{split}'.")
    attack = PGD(norm=norm, relative=not absolute, steps=steps, restarts=restarts)  # type: ignore[arg-type]
    with progress() as report:
        entry = measure(
            run,
            epsilons=numbers(epsilons) if epsilons else EPSILONS,
            attack=attack,
            attack_examples=attack_examples,
            typo_rate=typo_rate,
            split=split,
            on_examples=lambda done, total: report("attacking", done, total),
        )
    console.print(terminal_table([entry]))
