"""uegr evaluate."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from uegr.cli.app import app, option
from uegr.cli.options import parse_label_map, parse_names, parse_numbers
from uegr.cli.terminal import console, progress


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    epsilons: Annotated[str, option("--epsilons", "Radii of the robustness curve: 0,0.01. Default: a fixed set.")] = "",
    attack_norm: Annotated[str, option("--attack_norm", "l2 (per sequence), l2_token (per token) or linf.")] = "l2",
    absolute_epsilons: Annotated[
        bool, option("--absolute_epsilons", "Radii are absolute, not relative to the model's mean embedding norm.")
    ] = False,
    attack_steps: Annotated[int, option("--attack_steps", "Steps of projected gradient ascent per restart.")] = 5,
    attack_restarts: Annotated[int, option("--attack_restarts", "Restarts of the attack.")] = 2,
    attack_examples: Annotated[
        int | None, option("--attack_examples", "Attack at most N examples, a fixed random choice. Default: all.")
    ] = None,
    typo_rate: Annotated[float, option("--typo_rate", "Probability per word of a typing error.")] = 0.3,
    split: Annotated[str, option("--split", "test or validation.")] = "test",
    on: Annotated[str, option("--on", "Also evaluate on the test data of these tasks: imdb,cr.")] = "",
    label_map: Annotated[
        str, option("--label_map", "Classes of the model and of the tasks of --on that correspond: MODEL=TASK,...")
    ] = "",
    on_examples: Annotated[int | None, option("--on_examples", "At most N examples per task of --on.")] = None,
) -> None:
    """Evaluate a run (accuracy, calibration, typing errors, robustness curve) and write its results.json."""
    from uegr.data.task_registry import find_task
    from uegr.evaluation.attacks.pgd import PGD
    from uegr.evaluation.evaluator import EPSILONS
    from uegr.runs.evaluate import evaluate_run
    from uegr.runs.run_folder import RESULTS, read_results
    from uegr.runs.run_table import terminal_table
    from uegr.runs.transfer import evaluate_on_tasks
    from uegr.runs.transfer_summary import leakage_line, length_line, transfer_table, unchanged_line

    attack = PGD(norm=attack_norm, relative=not absolute_epsilons, steps=attack_steps, restarts=attack_restarts)  # type: ignore[arg-type]
    other_tasks = parse_names(on)
    for name in other_tasks:
        find_task(name)
    with progress() as on_progress:
        if not (other_tasks and (run / RESULTS).exists()):
            evaluate_run(
                run,
                epsilons=parse_numbers(epsilons) if epsilons else EPSILONS,
                attack=attack,
                attack_examples=attack_examples,
                typo_rate=typo_rate,
                split=split,
                on_examples=partial(on_progress, "attacking"),
            )
        if other_tasks:
            evaluate_on_tasks(
                run,
                other_tasks,
                declared=parse_label_map(label_map),
                examples=on_examples,
                on_task=partial(on_progress, "evaluating other tasks", unit="tasks"),
            )
    result = read_results(run)[0]
    console.print(terminal_table([result]))
    if other_tasks:
        console.print(transfer_table(result))
    console.print(leakage_line(result), highlight=False)
    for line in (unchanged_line(result), length_line(result)):
        if line:
            console.print(line, highlight=False)
