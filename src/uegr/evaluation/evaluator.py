"""What `uegr evaluate` measures on a model, as the parts of results.json."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from uegr.data.splits import subset
from uegr.evaluation.attacks.embedding_attack import EmbeddingAttack, sorted_epsilons
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.evaluated_model import EvaluatedModel, OnBatch
from uegr.evaluation.forward_clock import Clock
from uegr.evaluation.language_generation import generated_bleu
from uegr.evaluation.model_state import evaluation_mode
from uegr.evaluation.packed_outcomes import pack_outcomes
from uegr.evaluation.robustness import describe, robust_mask
from uegr.evaluation.typo_data import typo_rows
from uegr.evaluation.worst_case import worst_case_curve
from uegr.modeling.metrics import CLASSIFICATION, RANKING, Labels, Probabilities
from uegr.modeling.task_kinds.classification import Classification
from uegr.modeling.task_kinds.detection import KINDS

EPSILONS = (0.0, 0.01, 0.02, 0.035, 0.05, 0.08)
TYPO_RATE = 0.3


def measure_model(
    evaluated: EvaluatedModel,
    rows: Dataset,
    *,
    metrics: Sequence[str] = ("accuracy",),
    epsilons: Sequence[float] = EPSILONS,
    attack: EmbeddingAttack | None = None,
    attack_examples: int | None = None,
    typo_rate: float = TYPO_RATE,
    on_batch: OnBatch = lambda examples: None,
) -> dict[str, Any]:
    """The task's metrics, without changes and under typing errors, and the robustness curve.

    Args:
        evaluated: the model.
        rows: the test examples.
        metrics: the task's own, in addition to those of every task of its kind; see `TaskKind.metrics`.
        epsilons: of the robustness curve.
        attack: of the robustness curve, PGD if left out. Tasks without classes are always attacked by PGD, with the
            norm, steps, restarts and seed given here.
        attack_examples: attack only this number of rows, a fixed random choice; None attacks all.
        typo_rate: probability of an error per word.
        on_batch: called after each batch of attacked examples.

    Returns:
        {"test_examples": N, "metric": name of the first metric, "metrics": {...}, "robustness": {...}}, and for
        classification "outcomes"; all but NLL, ECE, perplexity and squared error as fractions.
    """
    attacked, attack = subset(rows, attack_examples, 0), attack or PGD()  # drawn: many test splits are sorted by label
    typo_metric = KINDS[evaluated.kind].typo_metric
    with evaluation_mode(evaluated.model):
        outputs, labels = evaluated.outputs(rows)
        scores = scores_of(evaluated, rows, metrics, outputs, labels)
        with_typos = typo_rows(rows, evaluated.text_columns, typo_rate)
        scores[f"typo_{typo_metric}"] = clean_scores(evaluated, with_typos, (typo_metric,))[typo_metric]
        clock = Clock(evaluated, attacked)
        parts: dict[str, Any] = {}
        with clock.measure() as cost:
            if evaluated.kind == "classification":
                sizes = sorted_epsilons(epsilons)
                robust = robust_mask(evaluated, attacked, sizes, attack, on_batch)
                parts["robustness"] = describe(attack, sizes, robust)
                parts["outcomes"] = pack_outcomes(outputs.argmax(axis=1) == labels, robust)
            else:
                parts["robustness"] = worst_case_curve(evaluated, attacked, epsilons, attack, on_batch)
    parts["robustness"]["cost"] = cost
    return {"test_examples": len(rows), "metric": metrics[0], "metrics": scores, **parts}


def clean_scores(evaluated: EvaluatedModel, rows: Dataset, metrics: Sequence[str]) -> dict[str, float]:
    """The "metrics" part of results.json without attack and typing errors."""
    return scores_of(evaluated, rows, metrics, *evaluated.outputs(rows))


def scores_of(
    evaluated: EvaluatedModel, rows: Dataset, metrics: Sequence[str], outputs: NDArray[np.float64], labels: NDArray[Any]
) -> dict[str, float]:
    """The same, from the outputs and labels of `EvaluatedModel.outputs`."""
    if evaluated.kind == "classification":
        return class_scores(metrics, outputs, labels, rows[evaluated.text_columns[0]])
    scores = KINDS[evaluated.kind].metrics(outputs, labels)
    return {**scores, "bleu": generated_bleu(evaluated, rows)} if evaluated.kind == "seq2seq" else scores


def class_scores(
    metrics: Sequence[str], probabilities: Probabilities, labels: Labels, groups: Iterable[Any]
) -> dict[str, float]:
    """Accuracy, the named metrics, NLL and ECE.

    Args:
        metrics: names of the task's own metrics.
        probabilities, labels: (N, C) and (N,).
        groups: the question of each example, for ranking metrics.
    """
    named = {
        name: RANKING[name](probabilities, labels, groups)
        if name in RANKING
        else CLASSIFICATION[name](probabilities, labels)
        for name in metrics
    }
    scores = Classification.metrics(probabilities, labels)
    return {"accuracy": scores.pop("accuracy"), **named, **scores}
