"""Everything `uegr evaluate` measures on one model, as the parts of results.json that it fills."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from datasets import Dataset

from uegr.data.splits import subset
from uegr.data.task import Kind
from uegr.evaluation import language, multi_label, regression
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.forward_clock import Clock
from uegr.evaluation.packed_outcomes import pack_outcomes
from uegr.evaluation.robustness import describe, robust_mask, sorted_epsilons
from uegr.evaluation.typo_data import typo_rows
from uegr.modeling.metrics import (
    CLASSIFICATION,
    RANKING,
    Labels,
    Probabilities,
    accuracy,
    expected_calibration_error,
    negative_log_likelihood,
)

EPSILONS = (0.0, 0.01, 0.02, 0.035, 0.05, 0.08)
TYPO_RATE = 0.3
TYPO_METRIC: dict[Kind, str] = {
    "classification": "accuracy",
    "regression": "pearson",
    "multi_label": "micro_f1",
    "seq2seq": "bleu",
    "causal_lm": "perplexity",
}
"""What is measured under typing errors, as "typo_" and this name."""
OTHER_KINDS: dict[Kind, Any] = {
    "regression": regression,
    "multi_label": multi_label,
    "seq2seq": language,
    "causal_lm": language,
}
"""What measures the kinds of task whose outputs are no classes: each with `scores` and `curve`."""


def evaluate(
    subject: EvaluatedModel,
    rows: Dataset,
    *,
    metrics: Sequence[str] = ("accuracy",),
    epsilons: Sequence[float] = EPSILONS,
    attack: PGD | None = None,
    attack_examples: int | None = None,
    typo_rate: float = TYPO_RATE,
    on_batch: Callable[[int], None] = lambda examples: None,
) -> dict[str, Any]:
    """The task's metrics, clean and under typing errors, and the robustness curve.

    Args:
        subject: the model.
        rows: the test examples.
        metrics: the task's own, beside those that every task of its kind gets: accuracy, NLL and ECE for
            classification; see `OTHER_KINDS` for the others.
        epsilons, attack: of the robustness curve.
        attack_examples: attack only so many rows, a fixed random choice; None attacks all.
        typo_rate: probability of an error a word.
        on_batch: told the number of attacked examples done.

    Returns:
        {"metric": name of the first metric, "metrics": {...}, "robustness": {...}, "test_examples": N}, and for
        classification "outcomes"; all but NLL, ECE and squared error as fractions.
    """
    attacked = subset(rows, attack_examples, 0)  # drawn: many a test split is sorted by its labels
    attack = attack or PGD()
    about = {"test_examples": len(rows), "metric": metrics[0]}
    spoiled = typo_rows(rows, subject.text_columns, typo_rate)
    hit = TYPO_METRIC[subject.kind]
    if subject.kind in OTHER_KINDS:
        scores = clean_scores(subject, rows, metrics)
        scores[f"typo_{hit}"] = clean_scores(subject, spoiled, metrics)[hit]
        with Clock(subject, attacked).measure() as cost:
            curve = OTHER_KINDS[subject.kind].curve(subject, attacked, epsilons, attack, on_batch)
        return {**about, "metrics": scores, "robustness": {**curve, "cost": cost}}
    probabilities, labels = subject.probabilities(rows)
    scores = class_scores(metrics, probabilities, labels, rows[subject.text_columns[0]])
    scores[f"typo_{hit}"] = accuracy(*subject.probabilities(spoiled))
    radii = sorted_epsilons(epsilons)
    with Clock(subject, attacked).measure() as cost:
        robust = robust_mask(subject, attacked, radii, attack, on_batch)
    return {
        **about,
        "metrics": scores,
        "robustness": {**describe(attack, radii, robust), "cost": cost},
        "outcomes": pack_outcomes(probabilities.argmax(axis=1) == labels, robust),
    }


def clean_scores(subject: EvaluatedModel, rows: Dataset, metrics: Sequence[str]) -> dict[str, float]:
    """The "metrics" part of results.json without attack and typing errors."""
    if subject.kind in OTHER_KINDS:
        scores: dict[str, float] = OTHER_KINDS[subject.kind].scores(subject, rows)
        return scores
    return class_scores(metrics, *subject.probabilities(rows), rows[subject.text_columns[0]])


def class_scores(
    metrics: Sequence[str], probabilities: Probabilities, labels: Labels, groups: Iterable[Any]
) -> dict[str, float]:
    """Accuracy, the named metrics, NLL and ECE; the candidates of a ranking being those of one group."""
    named = {
        name: RANKING[name](probabilities, labels, groups)
        if name in RANKING
        else CLASSIFICATION[name](probabilities, labels)
        for name in metrics
    }
    return {
        "accuracy": accuracy(probabilities, labels),
        **named,
        "nll": negative_log_likelihood(probabilities, labels),
        "ece": expected_calibration_error(probabilities, labels),
    }
