"""Where cells are run, and how one cell is run: train, measure, enter the result."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from filelock import FileLock

from uegr.compare.cell import Cell, with_model_path
from uegr.compare.cell_content import Content, address, changed_inputs
from uegr.compare.result_slot import Run
from uegr.compare.results_file import ResultsFile
from uegr.errors import UsageError
from uegr.locked_files import remove_finished
from uegr.methods.own_code import import_code, imported_files
from uegr.modeling.model_folder import check_folder
from uegr.runs.attack import attack_run
from uegr.runs.evaluate import evaluate_run
from uegr.runs.results_json import read_results
from uegr.runs.run_folder import RESULTS, RUN, read_run
from uegr.runs.run_result import RunResult
from uegr.runs.train import train_run
from uegr.runs.training_folder import adopt_paths, is_whole
from uegr.runs.transfer import evaluate_on_tasks
from uegr.training.stop_on_signal import StopOnSignal

logger = logging.getLogger("uegr")
OnProgress = Callable[[str, int, int], None]
"""Called with the stage of a cell ("training", "attacking", the name of a further attack, or "transfer"), the number of
steps, examples or tasks that are done, and the number of all."""


@dataclass(frozen=True)
class Workspace:
    """Where the cells of a grid are run and their results kept.

    Args:
        results: the results file.
        runs: folder that holds one run folder per cell.
        keep_models: keep the run folder of a measured cell, with the trained weights; by default it is removed.
        code: Python files that register methods of the user's own; every process that runs a cell imports them.
    """

    results: ResultsFile
    runs: Path
    keep_models: bool = False
    code: tuple[Path, ...] = field(default_factory=imported_files)


def run_cell(cell: Cell, workspace: Workspace, on_progress: OnProgress) -> Run:
    """Train and measure a cell, continuing an interrupted attempt, and enter the result into the results file."""
    for file in workspace.code:
        import_code(file)
    content = cell.content()
    digits = address({key: value for key, value in content.items() if not key.startswith("measure.")})
    folder = workspace.runs / f"{cell.label}-{digits}"
    locks = workspace.runs / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    # Another cell may have the same content under other names, and the worker of a killed grid may still be finishing
    # its last step in this folder.
    with FileLock(locks / digits):
        if (finished_run := workspace.results.find(cell)) is not None:
            workspace.results.reserve([cell])
            return finished_run
        config, stop = with_model_path(cell.config), StopOnSignal()
        if _is_broken(folder):
            remove_finished(folder)
        if (folder / RUN).exists():
            adopt_paths(folder, asdict(config))
        for attack in cell.measurement.further_attacks():
            attack.prepare()
        if not ((folder / RUN).exists() and is_whole(folder)):
            train_run(
                config,
                folder,
                resume=True,
                cost=workspace.results.cost_of_step(cell),
                on_step=lambda done, total: on_progress("training", done, total),
                stop=stop,
            )
            _check_inputs(cell, content, folder)
            stop.raise_if_requested()
        run = {**_measure(cell, folder, on_progress).to_dict(), "task": cell.task, "model": cell.model}
        _check_inputs(cell, content, folder)
        workspace.results.enter(cell, run, content)
        if not workspace.keep_models:
            remove_finished(folder)
        return run


def _is_broken(folder: Path) -> bool:
    """Whether no command could continue the run in a folder, as a power cut may leave it, or a kill of its removal.

    It has then no run.json that can be read, or it is finished and its model cannot be opened.
    """
    try:
        if read_run(folder).get("finished"):
            check_folder(folder)
    except UsageError as error:
        if folder.exists():
            logger.warning("%s is trained again: %s", folder, error)
            return True
    return False


def _check_inputs(cell: Cell, content: Content, folder: Path) -> None:
    """Raise a UsageError if a file or model folder has changed since the cell had this content, and remove the run.

    Nobody can tell which of the two the run has read, and its folder has the address of the content before.
    """
    if changed := changed_inputs(content, cell.content()):
        remove_finished(folder)
        raise UsageError(
            f"'{changed[0]}' has changed while this run was trained and measured: leave it as it is, and run the same "
            "command again."
        )


def _measure(cell: Cell, folder: Path, on_progress: OnProgress) -> RunResult:
    """Measure the trained cell in its run folder, as its measurement says."""
    (folder / RESULTS).unlink(missing_ok=True)  # a kept run may hold what another grid measured
    measurement, trust = cell.measurement, cell.config.trust_remote_code
    result = evaluate_run(
        folder,
        **measurement.arguments(),
        trust_remote_code=trust,
        on_examples=lambda done, total: on_progress("attacking", done, total),
    )
    if further_attacks := measurement.further_attacks():
        result = attack_run(
            folder,
            further_attacks,
            examples=measurement.attack_examples,
            split=measurement.split,
            epsilons=measurement.epsilons,
            calibrated=measurement.calibrated,
            trust_remote_code=trust,
            on_examples=on_progress,
        )
    if measurement.transfer:
        evaluate_on_tasks(
            folder,
            measurement.transfer,
            examples=cell.config.data.max_test_examples,
            trust_remote_code=trust,
            on_task=lambda done, total: on_progress("transfer", done, total),
        )
        result = read_results(folder)[0]
    return result
