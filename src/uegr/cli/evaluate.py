"""uegr evaluate."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from uegr.cli.app import app
from uegr.cli.options import parse_label_map, parse_names, parse_numbers
from uegr.cli.terminal import console, progress


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    epsilons: Annotated[
        str,
        typer.Option("--epsilons", help="Radii of the robustness curve: 0,0.01,0.02. Default: a fixed set."),
    ] = "",
    attack_norm: Annotated[
        str, typer.Option("--attack_norm", help="Norm of the radii: l2 (per sequence), l2_token (per token) or linf.")
    ] = "l2",
    absolute_epsilons: Annotated[
        bool,
        typer.Option(
            "--absolute_epsilons", help="Take the radii as absolute, not relative to the mean embedding norm."
        ),
    ] = False,
    attack_steps: Annotated[
        int, typer.Option("--attack_steps", help="Steps of projected gradient ascent per restart.")
    ] = 5,
    attack_restarts: Annotated[int, typer.Option("--attack_restarts", help="Restarts of the attack.")] = 2,
    attack_examples: Annotated[
        int | None,
        typer.Option("--attack_examples", help="Attack at most N examples, a fixed random choice. Default: all."),
    ] = None,
    typo_rate: Annotated[
        float, typer.Option("--typo_rate", help="Probability per word of a typing error, for accuracy under typos.")
    ] = 0.3,
    split: Annotated[str, typer.Option("--split", help="test or validation.")] = "test",
    on: Annotated[str, typer.Option("--on", help="Also evaluate on the test data of these tasks: imdb,cr.")] = "",
    label_map: Annotated[
        str,
        typer.Option(
            "--label_map", help="Which class of the model is which class of the tasks of --on: MODEL=TASK,..."
        ),
    ] = "",
    on_examples: Annotated[
        int | None, typer.Option("--on_examples", help="Use at most N examples of each task of --on. Default: all.")
    ] = None,
) -> None:
    """Evaluate a run (accuracy, calibration, typing errors, robustness curve) and write its results.json."""
    from uegr.data.task_registry import find_task
    from uegr.evaluation.attacks.pgd import PGD
    from uegr.evaluation.evaluator import EPSILONS
    from uegr.runs.evaluate import measure
    from uegr.runs.run_folder import RESULTS
    from uegr.runs.run_result import read_results
    from uegr.runs.run_table import terminal_table
    from uegr.runs.transfer import measure_on
    from uegr.runs.transfer_table import leakage_line, transfer_table

    attack = PGD(norm=attack_norm, relative=not absolute_epsilons, steps=attack_steps, restarts=attack_restarts)  # type: ignore[arg-type]
    other_tasks = parse_names(on)
    for name in other_tasks:
        find_task(name)
    with progress() as on_progress:
        if not (other_tasks and (run / RESULTS).exists()):
            measure(
                run,
                epsilons=parse_numbers(epsilons) if epsilons else EPSILONS,
                attack=attack,
                attack_examples=attack_examples,
                typo_rate=typo_rate,
                split=split,
                on_examples=partial(on_progress, "attacking"),
            )
        if other_tasks:
            measure_on(
                run,
                other_tasks,
                declared=parse_label_map(label_map),
                examples=on_examples,
                on_task=partial(on_progress, "evaluating other tasks", unit="tasks"),
            )
    entry = read_results(run)[0]
    console.print(terminal_table([entry]))
    if other_tasks:
        console.print(transfer_table(entry))
    console.print(leakage_line(entry), highlight=False)
