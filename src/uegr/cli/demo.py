"""uegr demo: plain fine-tuning and UEGR on the same sentences and seed, evaluated side by side."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from uegr.cli.app import app, option
from uegr.cli.terminal import OnProgress, console, progress
from uegr.modeling.embedded_model import EMBEDDED_MODEL, INSTALL, embedded_folder

if TYPE_CHECKING:
    from uegr.runs.run_result import RunResult
    from uegr.training.run_config import RunConfig
    from uegr.training.train_to_end import OnStep

TASK = "rotten_tomatoes"
METHODS = ("plain", "uegr")
TRAIN_EXAMPLES, TEST_EXAMPLES, ATTACKED_EXAMPLES = 1200, 1000, 200
TEXT_ATTACKS, TEXTS_ATTACKED = ("deepwordbug", "synonyms"), 100


@app.command()
def demo(
    output_dir: Annotated[Path, option("--output_dir", "Folder of the runs and the report.")] = Path("runs/demo"),
    seed: Annotated[int, option("--seed", "Random seed of both runs.")] = 0,
) -> None:
    """Train plain fine-tuning and UEGR on film reviews, attack both, and write a report. Takes a few minutes.

    A demo that was interrupted continues where it was.
    """
    from uegr.errors import StoppedError
    from uegr.runs.run_table import terminal_table

    _check_installed()
    with progress() as on_progress:
        try:
            results = _run_demo(output_dir, seed, on_progress)
        except StoppedError as error:
            raise StoppedError(error.reason, f": the same command continues the demo in '{output_dir}'.") from None
    console.print(terminal_table(results))
    console.print(f"Look at {output_dir / 'report.html'} (and robustness.png, results.json beside it).")


def _check_installed() -> None:
    """Say immediately what is missing: a hub that cannot be reached gives an error only after a minute.

    Raises:
        UsageError: the film reviews or the encoder are not on this machine; it names the commands.
    """
    from uegr.data.named_tasks import sources
    from uegr.data.task_registry import find_task
    from uegr.errors import UsageError

    if embedded_folder() is None:
        raise UsageError(f"the model of the demo, {EMBEDDED_MODEL}, is not on this machine: {INSTALL}.")
    task = find_task(TASK)
    if task.package is not None and not {"UEGR_DATA", "package"}.intersection(sources(TASK, task)):
        raise UsageError(f"the film reviews of the demo are not on this machine: {task.package.command}")


def _run_demo(folder: Path, seed: int, on_progress: OnProgress) -> list[RunResult]:
    """Train and evaluate both methods; write results.json, report.html and the figures into `folder`.

    Each method gets a run folder of its own in `folder`. What an interrupted demo has finished is kept; a complete
    demo, which has a report, is replaced.
    """
    from uegr.data.data_source import DataSource
    from uegr.locked_files import remove_folder
    from uegr.report.figures.catalogue import draw
    from uegr.report.figures.render import save_figures
    from uegr.report.page import write_page
    from uegr.runs.attack import attack_run
    from uegr.runs.evaluate import evaluate_run
    from uegr.runs.results_json import read_results, read_results_and_logs, write_results
    from uegr.runs.run_folder import RESULTS, RUN
    from uegr.training.run_config import RunConfig

    page, results = folder / "report.html", []
    data = DataSource(task=TASK, max_train_examples=TRAIN_EXAMPLES, max_test_examples=TEST_EXAMPLES)
    configs = {method: RunConfig(data=data, model=EMBEDDED_MODEL, method=method, seed=seed) for method in METHODS}
    _check_own(folder, configs)
    if page.exists():
        page.unlink()
        (folder / RESULTS).unlink(missing_ok=True)
        for run in (folder / method for method in METHODS):
            if (run / RUN).is_file():
                remove_folder(run)
    for method, config in configs.items():
        run = folder / method
        _train(config, run, partial(on_progress, f"training {method}", unit="steps"))
        if not (run / RESULTS).is_file():
            on_examples = partial(on_progress, f"attacking {method}")
            evaluate_run(run, attack_examples=ATTACKED_EXAMPLES, on_examples=on_examples)
        (result,) = read_results(run)
        if not {*TEXT_ATTACKS} <= {attack.attack for attack in result.text_attacks}:
            on_attacked = partial(_attacking, on_progress, method)
            result = attack_run(run, TEXT_ATTACKS, examples=TEXTS_ATTACKED, on_examples=on_attacked)
        results.append(result)
    write_results(folder, results)
    measured = read_results_and_logs([folder / method for method in METHODS])
    sections = draw(measured)
    save_figures([chart for charts in sections.values() for chart in charts], folder)
    write_page(measured, sections, page)
    return results


def _check_own(folder: Path, configs: Mapping[str, RunConfig]) -> None:
    """Raise a UsageError if the folder holds runs, or the files of a report, that are not a demo's."""
    from uegr.errors import UsageError
    from uegr.runs.run_folder import RESULTS, RUN, read_run
    from uegr.runs.training_folder import changed_settings

    runs = [folder / method for method in configs if (folder / method / RUN).is_file()]
    others = [] if runs else [path for path in (folder / "report.html", folder / RESULTS) if path.exists()]
    for run in runs:
        with suppress(UsageError):  # a damaged run is trained again
            if {"data", "model", "method"}.intersection(changed_settings(read_run(run), asdict(configs[run.name]))):
                others.append(run)
    if others:
        raise UsageError(f"the demo would replace '{others[0]}', which it did not write: choose another --output_dir.")


def _train(config: RunConfig, run: Path, on_step: OnStep) -> None:
    """Train, or continue from a checkpoint, unless the folder holds the finished run of this configuration."""
    from uegr.errors import UsageError
    from uegr.runs.run_folder import read_run
    from uegr.runs.train import train_run
    from uegr.runs.training_folder import changed_settings, is_whole
    from uegr.training.stop_on_signal import StopOnSignal

    resume, stop = False, StopOnSignal()
    with suppress(UsageError):  # there is no run, or a damaged one
        resume = not changed_settings(read_run(run), asdict(config))
        if resume and is_whole(run):
            return
    train_run(config, run, resume=resume, overwrite=not resume, on_step=on_step, stop=stop)
    stop.raise_if_requested()


def _attacking(on_progress: OnProgress, method: str, attack: str, done: int, total: int) -> None:
    on_progress(f"attacking {method} by {attack}", done, total)
