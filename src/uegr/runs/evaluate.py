"""Evaluate a finished run: measure its model on its test data, and write results.json."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from datasets import Dataset

from uegr.data.overlap import find_overlap
from uegr.data.row_digest import digest_of_rows
from uegr.data.splits import LABEL, subset
from uegr.data.task_data import TaskData
from uegr.errors import UsageError
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.data_slices import known_words, slice_scores, slices_of
from uegr.evaluation.evaluator import EPSILONS, TYPO_RATE, clean_scores, measure_model
from uegr.evaluation.length_baseline import measure_length_baseline
from uegr.evaluation.packed_outcomes import unpack_bits
from uegr.modeling.metrics import metric_title, show
from uegr.runs.finished_run import OnExamples, open_run, running_total
from uegr.runs.run_folder import read_results
from uegr.runs.run_result import RunResult

ADDED = ("text_attacks", "embedding_attacks", "analysis", "transfer")
"""Parts of a result that `attack_run`, `analyse_run` and `evaluate_on_tasks` write."""

VALIDATION_EXAMPLES = 1000
"""Enough for a first look after training, and evaluated in seconds."""


def evaluate_run(
    folder: Path,
    *,
    data: TaskData | None = None,
    epsilons: Sequence[float] = EPSILONS,
    attack: PGD | None = None,
    attack_examples: int | None = None,
    typo_rate: float = TYPO_RATE,
    split: str = "test",
    on_examples: OnExamples = lambda done, total: None,
) -> RunResult:
    """Evaluate a run's model on the data of its own configuration, and write results.json into its folder.

    What `attack_run`, `analyse_run` and `evaluate_on_tasks` have added to results.json stays.

    Args:
        folder: a finished run.
        data: the training data, if it came from memory.
        epsilons, attack, attack_examples, typo_rate: see `uegr.evaluation.evaluator`.
        split: "test", or "validation" to choose hyper-parameters by.
        on_examples: called after each attacked batch.
    """
    finished = open_run(folder, data)
    run, config, rows, data = finished.run, finished.run["config"], finished.rows(split), finished.data
    total = len(rows) if attack_examples is None else min(attack_examples, len(rows))
    measured = measure_model(
        finished.evaluated_model,
        rows,
        metrics=data.metrics,
        epsilons=epsilons,
        attack=attack or PGD(),
        attack_examples=attack_examples,
        typo_rate=typo_rate,
        on_batch=running_total(on_examples, total),
    )
    result = RunResult.from_dict(
        {
            **{name: config[name] for name in ("method", "options", "model", "seed")},
            **{name: run[name] for name in ("task", "train_examples", "cost")},
            **measured,
            **({"positive_label": data.label_names[1]} if "f1" in measured["metrics"] else {}),
            "split": split,
            "test_digest": digest_of_rows(
                rows, [name for name in (*data.text_columns, LABEL) if name in rows.features]
            ),
            "leakage": find_overlap(data.train, data.text_columns, rows, data.text_columns).summary(),
            "length_baseline": (
                measure_length_baseline(data.train, rows, data.text_columns) if data.kind == "classification" else None
            ),
            "slices": clean_slices(data, rows, measured["outcomes"]) if data.kind == "classification" else [],
        }
    )
    try:
        former = read_results(folder)[0]
    except UsageError:  # there is none yet, or it is to be measured again
        return finished.save(result)
    return finished.save(replace(result, **{name: getattr(former, name) for name in ADDED}))


def clean_slices(data: TaskData, rows: Dataset, outcomes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the accuracy of each part of the data without any change.

    Args:
        data: of the run, whose training texts say which words are unseen.
        rows: that were evaluated.
        outcomes: of the rows; see `uegr.evaluation.packed_outcomes`.
    """
    slices = slices_of(rows, data.text_columns[-1], data.label_names, known_words(data.train, data.text_columns))
    return slice_scores(slices, accuracy=unpack_bits(outcomes["clean"], outcomes["examples"]))


def validation_metric(folder: Path, examples: int = VALIDATION_EXAMPLES) -> tuple[str, str, int]:
    """Return title, value and number of examples of a finished run's published metric on its validation data.

    Args:
        folder: of the run.
        examples: at most this number of them, drawn with seed 0.
    """
    run = open_run(folder)
    rows = subset(run.data.validation, examples, 0, run.data.ranked_by)
    name = run.data.metrics[0]
    value = clean_scores(run.evaluated_model, rows, run.data.metrics)[name]
    return metric_title(name, (*run.data.label_names, None, None)[1]), show(name, value), len(rows)
