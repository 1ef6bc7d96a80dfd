"""The policy of a gate: what a model must reach before it may be used."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from uegr.data.expanded_paths import expanded_path
from uegr.data.yaml_reader import load_yaml
from uegr.errors import UsageError, unknown
from uegr.options import Options, option
from uegr.perturb.perturbation_registry import GROUPS, find_perturbation

HARMLESS = "harmless_accuracy"
OVERALL = ("accuracy", "ece", HARMLESS)
BY_CLASS = ("recall", "precision", "false_positive_rate")
BY_PERTURBATION = ("flip_rate", "robust_accuracy")
OF_PERTURBATIONS = ("examples", "rate", "seed")
"""Options of a policy that only limits under a perturbation use."""
MEASURES = (*OVERALL, *BY_CLASS, *BY_PERTURBATION)


@dataclass(frozen=True)
class Threshold:
    """One line of a policy.

    Args:
        measure: one of `MEASURES`.
        subject: the class or the perturbation that it is measured on; None for all.
        limit: a fraction.
        is_minimum: whether the measure must be at least the limit, or at most.
    """

    measure: str
    subject: str | None
    limit: float
    is_minimum: bool

    @property
    def name(self) -> str:
        title = self.measure.replace("_", " ")
        joint = "under" if self.measure in BY_PERTURBATION else "of"
        return title if self.subject is None else f"{title} {joint} {self.subject}"

    def passed(self, value: float) -> bool:
        return value >= self.limit if self.is_minimum else value <= self.limit


@dataclass(frozen=True)
class GatePolicy(Options):
    """A policy, as read from a YAML file.

    Args:
        minimum, maximum: measure -> limit, or measure -> class or perturbation -> limit. Measures are fractions:
            accuracy, ece; harmless_accuracy, the accuracy on harmless_file; recall, precision and false_positive_rate
            of a class; under a perturbation flip_rate, the share of texts whose prediction changes, and
            robust_accuracy.
    """

    file: str | None = option(None, "Labelled texts. Default: the test data of the run.")
    harmless_file: str | None = option(None, "Labelled texts that only look perturbed, such as product codes.")
    label_column: str | None = option(None, "Column of the label in the files. Default: that of the run, or label.")
    examples: int = option(500, "Perturb at most N texts, a fixed random choice.", at_least=1)
    rate: float = option(0.3, "Probability of a change per word.", above=0, at_most=1)
    seed: int = option(0, "Random seed of the perturbations.", at_least=0)
    minimum: dict[str, Any] = field(default_factory=dict)
    maximum: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        thresholds = self.thresholds()
        if not thresholds:
            raise UsageError("the policy has no limit: write minimum or maximum, such as minimum: {accuracy: 0.9}.")
        least = {(t.measure, t.subject): t.limit for t in thresholds if t.is_minimum}
        for threshold in thresholds:
            minimum = least.get((threshold.measure, threshold.subject), 0.0)
            if not threshold.is_minimum and threshold.limit < minimum:
                raise UsageError(
                    f"no model can pass: {threshold.name} must be at least {minimum} and at most {threshold.limit}; "
                    "correct minimum or maximum."
                )
        is_limited = any(threshold.measure == HARMLESS for threshold in thresholds)
        if is_limited and self.harmless_file is None:
            raise UsageError(
                f"{HARMLESS} needs texts that only look perturbed: name their file with harmless_file, or leave "
                f"{HARMLESS} out."
            )
        if self.harmless_file is not None and not is_limited:
            raise UsageError(
                f"harmless_file has no effect without a limit for {HARMLESS}: add minimum: {{{HARMLESS}: 0.95}}, or "
                "leave harmless_file out."
            )
        if not any(threshold.measure in BY_PERTURBATION for threshold in thresholds):
            for entry in fields(type(self)):
                if entry.name in OF_PERTURBATIONS and getattr(self, entry.name) != entry.default:
                    raise UsageError(
                        f"{entry.name} has no effect: nothing is perturbed without a limit for "
                        f"{' or '.join(BY_PERTURBATION)}; add one, or leave {entry.name} out."
                    )

    def path(self, name: str) -> Path | None:
        """The path in `file` or `harmless_file`; None if it is not set."""
        value = getattr(self, name)
        return None if value is None else Path(expanded_path(name, value))

    def thresholds(self) -> list[Threshold]:
        """All limits of the policy, in its order."""
        thresholds = []
        for side, limits in (("minimum", self.minimum), ("maximum", self.maximum)):
            for measure, value in limits.items():
                if measure not in MEASURES:
                    raise unknown(f"measure of {side}", measure, MEASURES)
                if (measure in OVERALL) == isinstance(value, Mapping):
                    form = "a number" if measure in OVERALL else "a mapping such as {spam: 0.9}"
                    raise UsageError(f"{side}: {measure} must be {form}, not {value!r}.")
                if isinstance(value, Mapping) and not value:
                    raise UsageError(f"{side}: {measure} has no limit: add one, or leave {measure} out.")
                subjects = value.items() if isinstance(value, Mapping) else [(None, value)]
                for subject, limit in subjects:
                    if not isinstance(limit, (int, float)) or isinstance(limit, bool) or not 0 <= limit <= 1:
                        raise UsageError(f"{side}: {measure} must be a fraction in [0, 1], not {limit!r}.")
                    names: tuple[str | None, ...] = (None if subject is None else str(subject),)
                    if measure in BY_PERTURBATION:
                        members = GROUPS.get(str(subject))
                        # A limit of its own replaces the one that a perturbation has from its group.
                        names = names if members is None else tuple(name for name in members if name not in value)
                        for name in names:
                            find_perturbation(str(name))
                    if isinstance(subject, bool):
                        raise UsageError(
                            f"YAML reads a class of {measure} as true or false: put quotes around yes, no, on and off."
                        )
                    thresholds += [Threshold(measure, name, float(limit), side == "minimum") for name in names]
        return thresholds


def read_policy(path: Path) -> GatePolicy:
    """Read the policy of a YAML file. Relative paths in it are relative to the working directory.

    Raises:
        UsageError: the file cannot be read, or a key or a value is not that of a policy.
    """
    content = load_yaml(path)
    if not isinstance(content, Mapping):
        raise UsageError(f"'{path}' must be a mapping, such as minimum: {{accuracy: 0.9}}.")
    names = [entry.name for entry in fields(GatePolicy)]
    for name in content:
        if name not in names:
            raise unknown(f"key in '{path}'", name, names)
    try:
        return GatePolicy(**content)
    except UsageError as error:
        raise UsageError(f"'{path}': {error}") from error
