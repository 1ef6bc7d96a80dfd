"""What several commands write into the folder of one run."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from uegr.atomic_files import write_json
from uegr.errors import UsageError
from uegr.evaluation.attacks.pgd import PGD
from uegr.runs.analyse import analyse_run
from uegr.runs.attack import attack_run
from uegr.runs.attacked_texts import ATTACKED_TEXTS
from uegr.runs.evaluate import evaluate_run
from uegr.runs.finished_run import FinishedRun
from uegr.runs.results_json import read_results
from uegr.runs.run_folder import RESULTS, RUN, read_run
from uegr.runs.run_result import RunResult
from uegr.runs.training_folder import prepare_run
from uegr.runs.transfer import evaluate_on_tasks

Measure = Callable[[Path, Callable[..., None]], object]
MEASURES: dict[str, Measure] = {
    "evaluate": lambda run, act: evaluate_run(run, attack=PGD(steps=1, restarts=1), on_examples=act),
    "attack": lambda run, act: attack_run(run, ["typos"], examples=4, on_examples=act),
    "attack on embeddings": lambda run, act: attack_run(run, ["random-search"], examples=4, on_examples=act),
    "analyse": lambda run, act: analyse_run(run, ["calibration"], on_part=act),
    "evaluate --on": lambda run, act: evaluate_on_tasks(run, [training_file(run)] * 2, on_task=act),
}


def training_file(run: Path) -> Path:
    return Path(read_run(run)["config"]["data"]["train_file"])


def train_again(folder: Path) -> None:
    """What `uegr train --overwrite` does before its first step."""
    prepare_run(folder, read_run(folder)["config"], resume=False, overwrite=True, precision="fp32")


def train_again_to_the_end(folder: Path) -> None:
    record = read_run(folder)
    (folder / RESULTS).unlink()
    write_json(folder / RUN, {**record, "cost": {**record["cost"], "seconds": 12345.0}})


@pytest.mark.parametrize("replace_run", [train_again, train_again_to_the_end])
@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_numbers_of_the_old_model_do_not_reach_the_run_that_replaced_it(
    measure: Measure, replace_run: Callable[[Path], None], evaluated_run: Path
) -> None:
    replaced: list[Path] = []

    def act(*_progress: Any) -> None:
        if not replaced:
            replace_run(evaluated_run)
            replaced.append(evaluated_run)

    with pytest.raises(UsageError, match="trained again or removed while it was measured: measure it again"):
        measure(evaluated_run, act)
    assert not (evaluated_run / RESULTS).exists() and not (evaluated_run / ATTACKED_TEXTS).exists()


def add_parts(folder: Path, name: str) -> None:
    run = FinishedRun(folder, read_run(folder), data=None, evaluated_model=None)  # type: ignore[arg-type]
    for number in range(20):

        def add(result: RunResult, number: int = number) -> RunResult:
            return replace(result, analysis={**result.analysis, f"{name}{number}": {"split": "test"}})

        run.update(add)


def test_of_two_commands_at_once_no_part_is_lost(evaluated_run: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=add_parts, args=(evaluated_run, name)) for name in ("first", "second")]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(read_results(evaluated_run)[0].analysis) == 40
