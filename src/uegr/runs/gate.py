"""Test a classifier against a policy: what passes, what fails, where it is weakest, which texts flip."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from scipy.special import softmax

from uegr.data.splits import LABEL, subset
from uegr.errors import UsageError, unknown
from uegr.evaluation.attacks.attack_results import COLUMN_MARK
from uegr.evaluation.data_slices import SMALLEST, slice_scores, slices_of
from uegr.modeling.calibration_error import expected_calibration_error
from uegr.modeling.model_loading import name_or_folder
from uegr.perturb.perturbation_registry import find_perturbation
from uegr.runs.gate_policy import BY_CLASS, BY_PERTURBATION, HARMLESS, GatePolicy, Threshold
from uegr.runs.gate_result import GateLine, GateResult
from uegr.runs.open_classifier import OpenedClassifier
from uegr.runs.trained_edits import is_trained_on

MOST_TEXTS, MOST_SLICES = 20, 10
"""Number of texts and of slices that are named."""
MOST_DRAWS = 100
"""A text that can be changed is drawn again at most this often: at a low rate most draws leave it as it is."""


def run_gate(
    classifier: OpenedClassifier,
    policy: GatePolicy,
    *,
    file: Path | None = None,
    on_rows: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> GateResult:
    """Measure what the policy limits.

    Args:
        classifier: a run, or any checkpoint.
        policy: the limits.
        file: labelled texts; None takes those of the policy, or the test data of the run.
        on_rows: called before each perturbation with its name, the number of perturbations done, and their total.

    Raises:
        UsageError: the data cannot be read, does not have the classes that the policy limits, or has no text that a
            perturbation can change.
    """
    thresholds = policy.thresholds()
    for threshold in thresholds:
        if threshold.measure in BY_CLASS and threshold.subject not in classifier.names:
            raise unknown(f"class in {threshold.measure}", threshold.subject, classifier.names)
    rows = classifier.labelled_rows(file or policy.path("file"), "test", policy.label_column)
    labels = np.asarray(rows[LABEL][:])
    _check_measurable(thresholds, labels, classifier.names)
    harmless_accuracy, look_alikes, mistaken = _look_alikes(classifier, policy)
    measured, slices = _unperturbed(classifier, rows, labels)
    measured[HARMLESS, None] = harmless_accuracy
    attacked = subset(rows, policy.examples, policy.seed)
    before, true = classifier.logits(attacked).argmax(axis=1), np.asarray(attacked[LABEL][:])
    perturbations = list(dict.fromkeys(str(t.subject) for t in thresholds if t.measure in BY_PERTURBATION))
    flips: list[dict[str, str]] = []
    unchanged: dict[str, int] = {}
    for done, perturbation in enumerate(perturbations):
        on_rows(perturbation, done, len(perturbations))
        changed, unchanged[perturbation] = _perturbed(
            attacked, classifier.evaluated.text_columns[-1], perturbation, policy
        )
        after = classifier.logits(changed).argmax(axis=1)
        measured["flip_rate", perturbation] = float((after != before).mean())
        measured["robust_accuracy", perturbation] = float((after == true).mean())
        slices += slice_scores({f"under {perturbation}": np.ones(len(true), bool)}, accuracy=after == true)
        flips += _flips(classifier, attacked, changed, perturbation, (true, before, after))
    lines = [_line(threshold, measured[threshold.measure, threshold.subject]) for threshold in thresholds]
    weakest = sorted((part for part in slices if part["examples"] >= SMALLEST), key=lambda part: part["accuracy"])
    trained = {} if classifier.run is None else {name: is_trained_on(name, classifier.run) for name in perturbations}
    return GateResult(
        model=name_or_folder(classifier.path),
        examples=len(rows),
        perturbed=len(attacked),
        lines=lines,
        slices=weakest[:MOST_SLICES],
        flips=_sample(flips, policy.seed),
        unchanged=unchanged,
        look_alikes=look_alikes,
        mistaken=_sample(mistaken, policy.seed),
        trained_on=[name for name, answer in trained.items() if answer],
        not_known=[name for name, answer in trained.items() if answer is None],
        normalize=list(classifier.normalize),
    )


def _sample(texts: list[dict[str, str]], seed: int) -> list[dict[str, str]]:
    """The texts that are named: a fixed random choice."""
    return random.Random(seed).sample(texts, min(MOST_TEXTS, len(texts)))


def _check_measurable(thresholds: Sequence[Threshold], labels: NDArray[Any], names: Sequence[str]) -> None:
    """Raise a UsageError if a limit needs texts that the data does not have."""
    for threshold in thresholds:
        if threshold.measure not in BY_CLASS:
            continue
        is_class = labels == names.index(str(threshold.subject))
        if threshold.measure == "false_positive_rate" and is_class.all():
            raise UsageError(f"{threshold.name} cannot be measured: all texts are of that class; add others.")
        if threshold.measure == "recall" and not is_class.any():
            raise UsageError(f"{threshold.name} cannot be measured: no text is of that class; add some.")


def _unperturbed(
    classifier: OpenedClassifier, rows: Dataset, labels: NDArray[Any]
) -> tuple[dict[tuple[str, str | None], float], list[dict[str, Any]]]:
    """Return (measure, class or None) -> value on the rows as they are, and the accuracy of each slice."""
    probabilities = softmax(classifier.logits(rows), axis=1)
    predicted = probabilities.argmax(axis=1)
    measured: dict[tuple[str, str | None], float] = {
        ("accuracy", None): float((predicted == labels).mean()),
        ("ece", None): expected_calibration_error(probabilities, labels),
    }
    for index, name in enumerate(classifier.names):
        measured |= {(measure, name): value for measure, value in _class_measures(predicted, labels, index).items()}
    slices = slices_of(rows, classifier.evaluated.text_columns[-1], classifier.names)
    return measured, slice_scores(slices, accuracy=predicted == labels)


def _look_alikes(classifier: OpenedClassifier, policy: GatePolicy) -> tuple[float, int, list[dict[str, str]]]:
    """Return the share of right answers on texts that only look perturbed, their number, and those with wrong ones."""
    file = policy.path("harmless_file")
    if file is None:
        return 1.0, 0, []
    rows, names = classifier.labelled_rows(file, "test", policy.label_column), classifier.names
    predicted = classifier.logits(rows).argmax(axis=1)
    mistaken = [
        {"text": text, "label": names[label], "predicted": names[answer]}
        for text, label, answer in zip(_joined(classifier, rows), rows[LABEL], predicted, strict=True)
        if label != answer
    ]
    return (len(rows) - len(mistaken)) / len(rows), len(rows), mistaken


def _line(threshold: Threshold, value: float) -> GateLine:
    return GateLine(threshold.name, value, threshold.limit, threshold.is_minimum, threshold.passed(value))


def _class_measures(predicted: NDArray[Any], labels: NDArray[Any], index: int) -> dict[str, float]:
    """Recall, precision and false-positive rate of one class; the precision of a class that is never predicted is 0."""
    is_class, is_predicted = labels == index, predicted == index
    both = int((is_class & is_predicted).sum())
    return {
        "recall": both / int(is_class.sum()) if is_class.any() else 1.0,
        "precision": both / int(is_predicted.sum()) if is_predicted.any() else 0.0,
        "false_positive_rate": float(is_predicted[~is_class].mean()) if (~is_class).any() else 0.0,
    }


def _perturbed(rows: Dataset, column: str, perturbation: str, policy: GatePolicy) -> tuple[Dataset, int]:
    """Return the rows with perturbed texts, and the number of texts that are as before.

    A draw that leaves a text as it is would count as a text whose prediction does not flip, so it is drawn again.
    """
    perturb = find_perturbation(perturbation)
    texts, unchanged = [], 0
    for i, text in enumerate(rows[column]):
        generator = random.Random(f"{policy.seed}:{perturbation}:{i}")
        new_text = perturb(text, policy.rate, generator)
        if new_text == text and perturb.can_change(text, generator):
            draws = (perturb(text, policy.rate, generator) for _ in range(MOST_DRAWS))
            new_text = next((drawn for drawn in draws if drawn != text), text)
        texts.append(new_text)
        unchanged += new_text == text
    if unchanged == len(rows):
        raise UsageError(
            f"limits under {perturbation} cannot be measured: it changes none of the {unchanged:,} texts at the rate "
            f"{policy.rate}; leave them out, add other texts, or raise the rate."
        )
    return rows.remove_columns(column).add_column(column, texts), unchanged


def _flips(
    classifier: OpenedClassifier, rows: Dataset, changed: Dataset, perturbation: str, classes: tuple[NDArray[Any], ...]
) -> list[dict[str, str]]:
    names = classifier.names
    return [
        {
            "perturbation": perturbation,
            "before": text,
            "after": new_text,
            "label": names[label],
            "predicted_before": names[before],
            "predicted_after": names[after],
        }
        for text, new_text, label, before, after in zip(
            _joined(classifier, rows), _joined(classifier, changed), *classes, strict=True
        )
        if before != after
    ]


def _joined(classifier: OpenedClassifier, rows: Dataset) -> list[str]:
    """The texts as they are shown: both of a pair."""
    return [COLUMN_MARK.join(texts) for texts in classifier.evaluated.texts(rows)]
