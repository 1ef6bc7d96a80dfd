"""Evaluate a finished run: measure its model on its test data, and write results.json."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from datasets import Dataset

from uegr.data.overlap import find_overlap
from uegr.data.row_digest import digest_of_rows
from uegr.data.splits import LABEL, subset
from uegr.data.task_data import TaskData
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.data_slices import slice_scores
from uegr.evaluation.evaluated_model import BATCH_SIZE
from uegr.evaluation.evaluator import EPSILONS, TYPO_RATE, measure_model
from uegr.evaluation.length_baseline import measure_length_baseline
from uegr.evaluation.output_scores import clean_scores
from uegr.evaluation.packed_outcomes import unpack_bits
from uegr.modeling.metrics import METRICS, metric_title
from uegr.runs.finished_run import FinishedRun, OnExamples, check_writable, open_run, running_total
from uegr.runs.hardening_texts import hardening_overlap
from uegr.runs.run_result import RunResult
from uegr.runs.trained_edits import is_trained_on

ADDED = ("text_attacks", "embedding_attacks", "analysis", "transfer")
"""Parts of a result that `attack_run`, `analyse_run` and `evaluate_on_tasks` write."""
VALIDATION_EXAMPLES = 1000
"""At most this number of examples is evaluated at the end of a training, which takes seconds."""


def evaluate_run(
    folder: Path,
    *,
    data: TaskData | None = None,
    epsilons: Sequence[float] = EPSILONS,
    attack: PGD | None = None,
    attack_examples: int | None = None,
    typo_rate: float = TYPO_RATE,
    split: str = "test",
    batch_size: int = BATCH_SIZE,
    trust_remote_code: bool = False,
    on_examples: OnExamples = lambda done, total: None,
) -> RunResult:
    """Evaluate a run's model on the data of its own configuration, and write results.json into its folder.

    What `attack_run`, `analyse_run` and `evaluate_on_tasks` have added to results.json stays.

    Args:
        folder: a finished run.
        data: the training data, if it came from memory.
        epsilons, attack, attack_examples, typo_rate: see `uegr.evaluation.evaluator`.
        split: "test", or "validation" to choose hyper-parameters by.
        batch_size: number of texts that the model reads at once.
        trust_remote_code: run the Python code of the run's folder.
        on_examples: called after each attacked batch.

    Returns:
        What was measured, as it stands in results.json.

    Raises:
        UsageError: there is no finished run, its data is missing or has changed, or an argument cannot be used.
    """
    run = open_run(folder, data, batch_size, trust_remote_code=trust_remote_code)
    check_writable(folder)
    rows = run.rows(split)
    total = len(rows) if attack_examples is None else min(attack_examples, len(rows))
    measured = measure_model(
        run.evaluated_model,
        rows,
        metrics=run.data.metrics,
        epsilons=epsilons,
        attack=attack or PGD(),
        attack_examples=attack_examples,
        typo_rate=typo_rate,
        on_batch=running_total(on_examples, total),
    )
    result = _run_result(run, rows, split, measured)

    def keep_added(former: RunResult) -> RunResult:
        return replace(result, **{name: getattr(former, name) for name in ADDED})

    return run.update(keep_added, first=result)


def _run_result(run: FinishedRun, rows: Dataset, split: str, measured: dict[str, Any]) -> RunResult:
    """Add to what was measured on the rows of a split how the model was trained, and facts about the data."""
    config, data = run.record["config"], run.data
    seen = find_overlap(data.train, data.text_columns, rows, data.text_columns)
    columns = [name for name in (*data.text_columns, LABEL) if name in rows.features]
    entry: dict[str, Any] = {
        **{name: config[name] for name in ("method", "options", "model", "seed")},
        **{name: run.record[name] for name in ("task", "train_examples", "cost")},
        **measured,
        "typo_trained_on": is_trained_on("typos", run.record),
        "split": split,
        "test_digest": digest_of_rows(rows, columns),
        "leakage": {**seen.summary(), **hardening_overlap(run.folder, rows, data.text_columns)},
    }
    if "f1" in measured["metrics"]:
        entry["positive_label"] = data.label_names[1]
    if data.kind == "classification":
        outcomes = measured["outcomes"]
        correct = unpack_bits(outcomes["clean"], outcomes["examples"])
        entry["slices"] = slice_scores(run.slices(rows), accuracy=correct)
        entry["length_baseline"] = measure_length_baseline(data.train, rows, data.text_columns)
    return RunResult.from_dict(entry)


def validation_metric(folder: Path, *, trust_remote_code: bool = False) -> tuple[str, str, int]:
    """Return title, value and number of examples of a finished run's published metric on its validation data."""
    run = open_run(folder, trust_remote_code=trust_remote_code)
    rows = subset(run.data.validation, VALIDATION_EXAMPLES, 0, run.data.ranked_by)
    name = run.data.metrics[0]
    value = clean_scores(run.evaluated_model, rows, run.data.metrics)[name]
    classes = run.data.label_names
    title = metric_title(name, positive_label=classes[1] if len(classes) > 1 else None)
    return title, METRICS[name].text(value), len(rows)
