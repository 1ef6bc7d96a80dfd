"""Test a classifier against a policy: what passes, what fails, where it is weakest, which texts flip."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from scipy.special import softmax

from uegr.atomic_files import write_json, write_text
from uegr.data.expanded_paths import expanded_path
from uegr.data.splits import LABEL, subset
from uegr.errors import UsageError, unknown
from uegr.evaluation.data_slices import SMALLEST, slice_scores, slices_of
from uegr.modeling.calibration_error import expected_calibration_error
from uegr.modeling.model_loading import name_or_folder
from uegr.perturb.perturbation_registry import find_perturbation
from uegr.runs.gate_policy import BY_CLASS, BY_PERTURBATION, GatePolicy, Threshold
from uegr.runs.open_classifier import OpenedClassifier

FLIPS, SLICES = 20, 10
"""Number of texts and of slices that are named."""
WRITTEN = ("gate.json", "gate.xml")
"""The files of a result."""


@dataclass(frozen=True)
class GateLine:
    """One limit of the policy and what was measured."""

    name: str
    value: float
    limit: float
    is_minimum: bool
    passed: bool

    def texts(self, decimals: int) -> tuple[str, str]:
        """The value and the exact limit as text, with more decimals where these do not show which is larger."""

        def sides(value: float) -> tuple[bool, bool]:
            return value < self.limit, value > self.limit

        limit = _shortest(self.limit, decimals, lambda rounded: rounded == self.limit)
        decimals = max(decimals, len(limit.partition(".")[2]))
        value = _shortest(self.value, decimals, lambda rounded: sides(rounded) == sides(self.value))
        return value, f"{'at least' if self.is_minimum else 'at most'} {limit}"


@dataclass(frozen=True)
class GateResult:
    """The verdict of a gate.

    Args:
        model: path of the model.
        examples, perturbed: number of texts, and of those that were perturbed.
        lines: one per limit.
        slices: the weakest parts of the data, weakest first: name, number of examples, accuracy.
        flips: texts whose prediction changes: before, after, perturbation, label and both predictions.
        unchanged: perturbation -> number of texts that it cannot change, such as Chinese texts by Latin look-alikes.
    """

    model: str
    examples: int
    perturbed: int
    lines: list[GateLine]
    slices: list[dict[str, Any]]
    flips: list[dict[str, str]]
    unchanged: dict[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return all(line.passed for line in self.lines)

    def write(self, folder: Path) -> None:
        """Write gate.json and gate.xml (JUnit's format, which CI services read)."""
        json_file, xml_file = WRITTEN
        write_json(folder / json_file, {"passed": self.passed, **asdict(self)})
        suite = ElementTree.Element("testsuite", name=_printable(f"uegr gate {self.model}"), tests=str(len(self.lines)))
        suite.set("failures", str(sum(not line.passed for line in self.lines)))
        for line in self.lines:
            case = ElementTree.SubElement(suite, "testcase", classname="uegr.gate", name=_printable(line.name))
            if not line.passed:
                message = "{} is {} and must be {}".format(_printable(line.name), *line.texts(decimals=4))
                ElementTree.SubElement(case, "failure", message=message).text = message
        write_text(folder / xml_file, ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n")


def _shortest(number: float, decimals: int, is_enough: Callable[[float], bool]) -> str:
    """The number with the fewest decimals, from this many on, that are enough."""
    texts = (f"{number:.{count}f}" for count in range(decimals, 17))
    return next((text for text in texts if is_enough(float(text))), repr(number))


def _printable(text: str) -> str:
    """Replace the characters that XML cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


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
    source = file or (None if policy.file is None else Path(expanded_path("file", policy.file)))
    rows = classifier.labelled_rows(source, "test", policy.label_column)
    labels = np.asarray(rows[LABEL][:])
    _check_measurable(thresholds, labels, classifier.names)
    measured, slices = _unperturbed(classifier, rows, labels)
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
    chosen = random.Random(policy.seed).sample(flips, min(FLIPS, len(flips)))
    return GateResult(
        name_or_folder(classifier.path), len(rows), len(attacked), lines, weakest[:SLICES], chosen, unchanged
    )


def _check_measurable(thresholds: Sequence[Threshold], labels: NDArray[Any], names: Sequence[str]) -> None:
    """Raise a UsageError if a limit needs texts that the data does not have."""
    for threshold in thresholds:
        if threshold.measure not in BY_CLASS:
            continue
        of_class = labels == names.index(str(threshold.subject))
        if threshold.measure == "false_positive_rate" and of_class.all():
            raise UsageError(f"{threshold.name} cannot be measured: all texts are of that class; add others.")
        if threshold.measure == "recall" and not of_class.any():
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
        measured |= {(measure, name): value for measure, value in _of_class(predicted, labels, index).items()}
    slices = slices_of(rows, classifier.evaluated.text_columns[-1], classifier.names)
    return measured, slice_scores(slices, accuracy=predicted == labels)


def _line(threshold: Threshold, value: float) -> GateLine:
    return GateLine(threshold.name, value, threshold.limit, threshold.is_minimum, threshold.passed(value))


def _of_class(predicted: NDArray[Any], labels: NDArray[Any], index: int) -> dict[str, float]:
    """Recall, precision and false-positive rate of one class; the precision of a class that is never predicted is 0."""
    is_class, is_predicted = labels == index, predicted == index
    both = int((is_class & is_predicted).sum())
    return {
        "recall": both / int(is_class.sum()) if is_class.any() else 1.0,
        "precision": both / int(is_predicted.sum()) if is_predicted.any() else 0.0,
        "false_positive_rate": float(is_predicted[~is_class].mean()) if (~is_class).any() else 0.0,
    }


def _perturbed(rows: Dataset, column: str, perturbation: str, policy: GatePolicy) -> tuple[Dataset, int]:
    """Return the rows with perturbed texts, and the number of texts that cannot be changed."""
    perturb = find_perturbation(perturbation)
    texts, unchanged = [], 0
    for i, text in enumerate(rows[column]):
        generator = random.Random(f"{policy.seed}:{perturbation}:{i}")
        texts.append(perturb(text, policy.rate, generator))
        unchanged += texts[-1] == text and not perturb.can_change(text, generator)
    if unchanged == len(rows):
        raise UsageError(
            f"limits under {perturbation} cannot be measured: it can change none of the {unchanged:,} texts; leave "
            "them out, or add other texts."
        )
    return rows.remove_columns(column).add_column(column, texts), unchanged


def _flips(
    classifier: OpenedClassifier, rows: Dataset, changed: Dataset, perturbation: str, classes: tuple[NDArray[Any], ...]
) -> list[dict[str, str]]:
    column, names = classifier.evaluated.text_columns[-1], classifier.names
    return [
        {
            "perturbation": perturbation,
            "before": text,
            "after": new_text,
            "label": names[label],
            "predicted_before": names[before],
            "predicted_after": names[after],
        }
        for text, new_text, label, before, after in zip(rows[column], changed[column], *classes, strict=True)
        if before != after
    ]
