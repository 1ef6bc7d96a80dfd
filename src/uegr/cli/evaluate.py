"""uegr evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uegr.cli.app import app
from uegr.cli.options import numbers, pairs
from uegr.cli.terminal import console, progress


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
    on: Annotated[
        str,
        typer.Option("--on", help="Measure on other tasks, too: advglue_sst2,imdb."),
    ] = "",
    label_map: Annotated[
        str, typer.Option("--label_map", help="Classes for --on: MODEL=TASK,... where the registry has none.")
    ] = "",
    on_examples: Annotated[int | None, typer.Option("--on_examples", help="At most N of each task of --on.")] = None,
) -> None:
    """Measure a run: accuracy, calibration, typing errors, robustness curve. Writes results.json into it."""
    from uegr.data.task_registry import find_task
    from uegr.evaluation.attacks.pgd import PGD
    from uegr.evaluation.evaluator import EPSILONS
    from uegr.runs.evaluate import evaluate_run
    from uegr.runs.run_folder import RESULTS, read_results
    from uegr.runs.run_table import terminal_table
    from uegr.runs.transfer import evaluate_on_tasks
    from uegr.runs.transfer_table import leakage_line, transfer_table

    attack = PGD(norm=norm, relative=not absolute, steps=steps, restarts=restarts)  # type: ignore[arg-type]
    others = [name.strip() for name in on.split(",") if name.strip()]
    for name in others:
        find_task(name)
    with progress() as report:
        if not (others and (run / RESULTS).exists()):
            evaluate_run(
                run,
                epsilons=numbers(epsilons) if epsilons else EPSILONS,
                attack=attack,
                attack_examples=attack_examples,
                typo_rate=typo_rate,
                split=split,
                on_examples=lambda done, total: report("attacking", done, total),
            )
        if others:
            evaluate_on_tasks(
                run,
                others,
                declared=pairs(label_map),
                examples=on_examples,
                on_task=lambda done, total: report("other tasks", done, total),
            )
    result = read_results(run)[0]
    console.print(terminal_table([result]))
    if others:
        console.print(transfer_table(result))
    console.print(leakage_line(result), highlight=False)
