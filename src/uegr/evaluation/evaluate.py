"""Everything `uegr evaluate` measures on one model, as the parts of results.json that it fills."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from datasets import Dataset

from uegr.evaluation.metrics import accuracy, expected_calibration_error, negative_log_likelihood
from uegr.evaluation.robustness import Attack, robustness_curve
from uegr.evaluation.subject import Subject
from uegr.evaluation.typos import typo_rows

EPSILONS = (0.0, 0.01, 0.02, 0.035, 0.05, 0.08)
TYPO_RATE = 0.3


def evaluate(
    subject: Subject,
    rows: Dataset,
    *,
    epsilons: Sequence[float] = EPSILONS,
    attack: Attack | None = None,
    attack_examples: int | None = None,
    typo_rate: float = TYPO_RATE,
    on_batch: Callable[[int], None] = lambda examples: None,
) -> dict[str, Any]:
    """Accuracy, NLL, ECE, accuracy under typing errors, and the robustness curve.

    Args:
        subject: the model.
        rows: the test examples.
        epsilons, attack: of the robustness curve.
        attack_examples: attack only the first so many rows; None attacks all.
        typo_rate: probability of an error a word.
        on_batch: told the number of attacked examples done.

    Returns:
        {"metrics": {...}, "robustness": {...}, "test_examples": N}; accuracies as fractions.
    """
    probabilities, labels = subject.probabilities(rows)
    spoiled, _ = subject.probabilities(typo_rows(rows, subject.text_columns, typo_rate))
    attacked = rows if attack_examples is None else rows.select(range(min(attack_examples, len(rows))))
    return {
        "test_examples": len(rows),
        "metrics": {
            "accuracy": accuracy(probabilities, labels),
            "nll": negative_log_likelihood(probabilities, labels),
            "ece": expected_calibration_error(probabilities, labels),
            "typo_accuracy": accuracy(spoiled, labels),
        },
        "robustness": robustness_curve(subject, attacked, epsilons, attack, on_batch),
    }
