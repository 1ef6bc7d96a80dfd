"""uegr evaluate."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from uegr.cli.app import app, option
from uegr.cli.option_values import is_given, parse_label_map, parse_names, parse_numbers, refuse_unused
from uegr.cli.shared_options import BatchSizeOption, SplitOption, TrustOption
from uegr.cli.terminal import console, progress
from uegr.errors import UsageError

OWN_DATA = (
    "epsilons",
    "attack_norm",
    "absolute_epsilons",
    "attack_steps",
    "attack_restarts",
    "attack_examples",
    "typo_rate",
    "split",
)
"""Options of the measurement on the run's own data, which --on and --test_file do not repeat."""


@app.command()
def evaluate(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    epsilons: Annotated[str, option("--epsilons", "Radii of the robustness curve, such as 0,0.02,0.05.")] = "",
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
    split: SplitOption = "test",
    on: Annotated[str, option("--on", "Also evaluate on the test data of other tasks, such as imdb,cr.")] = "",
    test_file: Annotated[str, option("--test_file", "Also evaluate on labelled files, such as a.csv,b.csv.")] = "",
    text_column: Annotated[
        str | None, option("--text_column", "Column of the text in the files; for pairs a,b. Default: the run's.")
    ] = None,
    label_column: Annotated[
        str | None, option("--label_column", "Column of the label in the files. Default: the run's.")
    ] = None,
    label_map: Annotated[
        str, option("--label_map", "Classes of the model and of the tasks of --on that correspond: MODEL=TASK,...")
    ] = "",
    on_examples: Annotated[
        int | None, option("--on_examples", "At most N examples per task of --on and per file.")
    ] = None,
    batch_size: BatchSizeOption = 64,
    trust_remote_code: TrustOption = False,
) -> None:
    """Evaluate a run (accuracy, calibration, typing errors, robustness curve) and write its results.json."""
    from uegr.evaluation.attacks.pgd import PGD
    from uegr.evaluation.evaluator import EPSILONS
    from uegr.runs.evaluate import evaluate_run
    from uegr.runs.evaluation_notes import leakage_line, length_line, unchanged_line
    from uegr.runs.results_json import read_results
    from uegr.runs.run_folder import RESULTS
    from uegr.runs.run_table import terminal_table
    from uegr.runs.transfer import evaluate_on_tasks
    from uegr.runs.transfer_summary import transfer_table

    attack = PGD(norm=attack_norm, relative=not absolute_epsilons, steps=attack_steps, restarts=attack_restarts)  # type: ignore[arg-type]
    other_tasks = _other_tasks(on, test_file)
    if not test_file:
        refuse_unused(context, ("text_column", "label_column"), "name files with --test_file")
    if not other_tasks:
        refuse_unused(context, ("label_map", "on_examples"), "name tasks with --on, or files with --test_file")
    is_measured = bool(other_tasks) and (run / RESULTS).exists()
    if is_measured:
        _note_unused(context, run)
    with progress() as on_progress:
        if not is_measured:
            evaluate_run(
                run,
                epsilons=parse_numbers(epsilons) if epsilons else EPSILONS,
                attack=attack,
                attack_examples=attack_examples,
                typo_rate=typo_rate,
                split=split,
                batch_size=batch_size,
                trust_remote_code=trust_remote_code,
                on_examples=partial(on_progress, "attacking"),
            )
        if other_tasks:
            evaluate_on_tasks(
                run,
                other_tasks,
                declared=parse_label_map(label_map),
                examples=on_examples,
                text_column=text_column,
                label_column=label_column,
                batch_size=batch_size,
                trust_remote_code=trust_remote_code,
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


def _note_unused(context: typer.Context, run: Path) -> None:
    """Say which of the given options are not used, because the run's own data is not measured again."""
    given = [name for name in OWN_DATA if is_given(context, name)]
    if given:
        console.print(
            f"note: {run} is measured already, and --{', --'.join(given)} is not used: run uegr evaluate again without "
            "--on and --test_file for its own data.",
            style="yellow",
            highlight=False,
        )


def _other_tasks(on: str, test_file: str) -> list[str | Path]:
    """Return the tasks of --on and the files of --test_file.

    Raises:
        UsageError: one of them does not exist.
    """
    from uegr.data.task_registry import find_task

    for name in parse_names(on):
        find_task(name)
    files = [Path(name) for name in parse_names(test_file)]
    for file in files:
        if not file.is_file():
            raise UsageError(f"there is no file '{file}': give --test_file the path of a labelled file.")
    return [*parse_names(on), *files]
