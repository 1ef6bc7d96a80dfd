"""Measure a finished run: evaluate its model on its test data, write results.json."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from uegr.atomic_files import write_json
from uegr.data.overlap import overlap
from uegr.data.splits import subset
from uegr.data.task_data import TaskData
from uegr.errors import UsageError
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.evaluator import EPSILONS, TYPO_RATE, clean_scores, measure_model
from uegr.runs.finished_run import open_run
from uegr.runs.model_card import write_card
from uegr.runs.run_folder import RESULTS
from uegr.runs.run_result import document, read_results

ADDED = ("text_attacks", "embedding_attacks", "analysis", "transfer")
"""Parts of an entry that `uegr attack`, `uegr analyse` and `uegr evaluate --on` write."""

VALIDATION_EXAMPLES = 1000
"""Enough for a first look after training, and done in seconds."""
OnExamples = Callable[[int, int], None]


def measure(
    folder: Path,
    *,
    data: TaskData | None = None,
    epsilons: Sequence[float] = EPSILONS,
    attack: PGD | None = None,
    attack_examples: int | None = None,
    typo_rate: float = TYPO_RATE,
    split: str = "test",
    on_examples: OnExamples = lambda done, total: None,
) -> dict[str, Any]:
    """Evaluate a run's model on the data of its own configuration, and leave results.json in its folder,
    where what `uegr attack` and `uegr analyse` have added stays.

    Args:
        folder: a finished run.
        data: what it was trained on, if that came from memory.
        epsilons, attack, attack_examples, typo_rate: see `uegr.evaluation.evaluator`.
        split: "test", or "validation" to choose hyper-parameters by.
        on_examples: told how many examples are attacked, of how many.

    Returns:
        The run's entry of results.json.
    """
    finished = open_run(folder, data)
    run, config, rows, data = finished.run, finished.run["config"], finished.rows(split), finished.data
    total = len(rows) if attack_examples is None else min(attack_examples, len(rows))
    done = 0

    def count(examples: int) -> None:
        nonlocal done
        done += examples
        on_examples(done, total)

    measured = measure_model(
        finished.subject,
        rows,
        metrics=data.metrics,
        epsilons=epsilons,
        attack=attack or PGD(),
        attack_examples=attack_examples,
        typo_rate=typo_rate,
        on_batch=count,
    )
    entry = {
        "method": config["method"],
        "options": config["options"],
        "task": run["task"],
        "model": config["model"],
        "seed": config["seed"],
        "train_examples": run["train_examples"],
        "split": split,
        **measured,
        "leakage": overlap(data.train, data.text_columns, rows, data.text_columns).summary(),
        "cost": run["cost"],
        **_kept(folder),
    }
    write_json(folder / RESULTS, document([entry]))
    write_card(folder)
    return entry


def validate(folder: Path, examples: int = VALIDATION_EXAMPLES) -> tuple[str, float, int]:
    """The published metric of a finished run on its validation data, or on so many of them drawn with seed 0.

    Returns:
        Its name, its value, and the number of examples.
    """
    run = open_run(folder)
    rows = subset(run.data.validation, examples, 0, run.data.ranked_by)
    name = run.data.metrics[0]
    return name, clean_scores(run.subject, rows, run.data.metrics)[name], len(rows)


def _kept(folder: Path) -> dict[str, Any]:
    """What other commands have added to a run's results: its model is still the same."""
    try:
        former = read_results(folder)[0]
    except UsageError:  # none yet, or one that is to be measured anew
        return {}
    return {part: former[part] for part in ADDED if part in former}
