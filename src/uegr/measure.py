"""Measure a finished run: read its folder, evaluate its model on its test data, write results.json."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from uegr.atomic import write_json
from uegr.errors import UsageError
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.evaluate import EPSILONS, TYPO_RATE, clean_scores, evaluate
from uegr.evaluation.subject import Subject
from uegr.models.loading import load_tokenizer, load_trained
from uegr.report.results import document
from uegr.tasks.data import TaskData
from uegr.tasks.source import DataSource
from uegr.tasks.splits import subset
from uegr.training.folder import RESULTS, read_run
from uegr.training.precision import use_bf16

VALIDATION_EXAMPLES = 1000
"""Enough for a first look after training, and done in seconds."""
OnExamples = Callable[[int, int], None]


def measure(
    folder: Path,
    *,
    epsilons: Sequence[float] = EPSILONS,
    attack: PGD | None = None,
    attack_examples: int | None = None,
    typo_rate: float = TYPO_RATE,
    split: str = "test",
    on_examples: OnExamples = lambda done, total: None,
) -> dict[str, Any]:
    """Evaluate a run's model on the data of its own configuration, and leave results.json in its folder.

    Args:
        folder: a finished run.
        epsilons, attack, attack_examples, typo_rate: see `uegr.evaluation.evaluate`.
        split: "test", or "validation" to choose hyper-parameters by.
        on_examples: told how many examples are attacked, of how many.

    Returns:
        The run's entry of results.json.
    """
    run, data = _finished(folder), _data(folder)
    config = run["config"]
    rows = data.test if split == "test" else data.validation
    subject = _subject(folder, data)
    total = len(rows) if attack_examples is None else min(attack_examples, len(rows))
    done = 0

    def count(examples: int) -> None:
        nonlocal done
        done += examples
        on_examples(done, total)

    measured = evaluate(
        subject,
        rows,
        metrics=data.metrics,
        epsilons=epsilons,
        attack=attack,
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
        "cost": run["cost"],
    }
    write_json(folder / RESULTS, document([entry]))
    return entry


def validate(folder: Path, examples: int = VALIDATION_EXAMPLES) -> tuple[str, float, int]:
    """The published metric of a finished run on its validation data, or on so many of them drawn with seed 0.

    Returns:
        Its name, its value, and the number of examples.
    """
    data = _data(folder)
    rows = subset(data.validation, examples, 0)
    name = data.metrics[0]
    return name, clean_scores(_subject(folder, data), rows, data.metrics)[name], len(rows)


def _finished(folder: Path) -> dict[str, Any]:
    run = read_run(folder)
    if not run.get("finished"):
        raise UsageError(f"'{folder}' holds an unfinished run: finish it with uegr train --resume.")
    return run


def _data(folder: Path) -> TaskData:
    config = _finished(folder)["config"]
    return DataSource(**config["data"]).load(config["seed"])


def _subject(folder: Path, data: TaskData) -> Subject:
    config = _finished(folder)["config"]
    return Subject(
        load_trained(folder, data.kind),
        load_tokenizer(str(folder)),
        data.text_columns,
        kind=data.kind,
        bf16=use_bf16(config["precision"]),
        max_length=config["max_length"],
    )
