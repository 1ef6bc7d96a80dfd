"""The typed parts of an entry of results.json; docs/results-schema.md describes every field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray

from uegr.evaluation.packed_outcomes import unpack_bits
from uegr.runs.json_parts import JsonPart, MisfitError, check_object, read_value
from uegr.runs.result_shapes import Sample, Slice

CURVES = ("accuracy", "pearson", "micro_f1", "token_accuracy")
"""Metrics of robustness curves; the metric of a curve is the first of these names that its JSON object holds."""
FORMER_NAMES = {"embedding-pgd": "pgd"}
"""Names of attacks in results of earlier versions."""
TRAINED_ON = "trained on such edits"
TRAINED_MARK = " *"
"""Stands in tables after the accuracy of a run that was trained on such edits."""


@dataclass(frozen=True, kw_only=True)
class TrainingCost(JsonPart):
    """Cost of the training, and of one of its steps; see `uegr.training.cost_profile.measure_cost`.

    What belongs to a step is None where it was not measured.

    Args:
        flops, step_seconds: floating-point operations and seconds of one step.
        flop_ratio, time_ratio: the same as multiples of a plain step.
        tokens_per_second: number of tokens, without padding, per second of a step.
        peak_memory: maximum memory of the training in bytes; None where it was not measured.
        parts: name of a part of a step -> its share of the time; the shares sum to 1.
        seconds: time of the whole training.
        processor: name of the processor or GPU.
    """

    flops: float | None = None
    flop_ratio: float | None = None
    step_seconds: float | None = None
    time_ratio: float | None = None
    tokens_per_second: float | None = None
    peak_memory: int | None = None
    parts: dict[str, float] | None = None
    seconds: float
    processor: str | None = None


@dataclass(frozen=True, kw_only=True)
class EvaluationCost(JsonPart):
    """Wall time of an evaluation on `examples` examples.

    Args:
        seconds: time of the evaluation.
        examples: number of evaluated examples.
        forward_passes: time per example, in units of one forward pass of one example on the same rows.
    """

    seconds: float
    examples: int
    forward_passes: float


@dataclass(frozen=True, kw_only=True)
class RobustnessCurve(JsonPart):
    """A metric under an attack on the embeddings, at each epsilon.

    Args:
        attack, norm, relative, steps, restarts: the attack; see `uegr.evaluation.attacks.embedding_attack`.
        options: further options of the attack, such as seed, loss or source.
        epsilons: radii in increasing order.
        metric, values: name of the metric, and its value at each epsilon, as fractions.
        examples: number of attacked examples.
        queries: mean number of queries per example over the whole curve.
        split: name of the attacked split.
        cost: cost of the attack.
    """

    attack: str
    norm: str
    relative: bool
    steps: int | None = None
    restarts: int | None = None
    options: dict[str, Any]
    epsilons: list[float]
    metric: str
    values: list[float]
    examples: int | None = None
    queries: float | None = None
    split: str | None = None
    cost: EvaluationCost | None = None

    NEVER = ("further", "options", "metric", "values")

    @classmethod
    def from_dict(cls, part: Any, name: str = "") -> Self:
        """Read a JSON object, in which the values stand under the name of their metric."""
        metric, values = read_curve(part, name)
        names = {item.name for item in fields(cls)} | {metric}
        options = {key: value for key, value in part.items() if key not in names}
        typed = {key: value for key, value in part.items() if key not in {*options, metric}}
        return super().from_dict({**typed, "options": options, "metric": metric, "values": values}, name)

    def to_dict(self) -> dict[str, Any]:
        written: dict[str, Any] = {}
        for name, value in super().to_dict().items():
            if name == "epsilons":
                written |= {**self.options, name: value, self.metric: self.values}
            else:
                written[name] = value
        return written

    @property
    def current_name(self) -> str:
        """The attack's name in this version."""
        return FORMER_NAMES.get(self.attack, self.attack)

    @property
    def key(self) -> str:
        """Identifies the attack among those on one run: its current name, and the data."""
        return self.current_name + on_data(self.split)

    @property
    def title(self) -> str:
        """The attack, for tables and figures."""
        return self.key

    def same_ball(self, curve: RobustnessCurve) -> bool:
        """Whether the epsilons of the two curves mean the same."""
        return (self.norm, self.relative) == (curve.norm, curve.relative)

    def same_attack(self, curve: RobustnessCurve) -> bool:
        """Whether the curves are of the same attack with the same ball and number of steps: they can be compared."""
        attacks = [(item.current_name, item.settings("steps", "restarts")) for item in (self, curve)]
        return self.same_ball(curve) and attacks[0] == attacks[1]

    def settings(self, *names: str) -> dict[str, Any]:
        """The named fields that this curve has."""
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


@dataclass(frozen=True, kw_only=True)
class TextAttackRecord(JsonPart):
    """Accuracy under one attack on the text; see `uegr.evaluation.attacks.attack_summary`.

    Args:
        attack, options: the attack.
        examples: number of attacked examples.
        clean_accuracy, accuracy: before the attack and after it, fractions.
        success_rate: share of the examples that were correct before and are wrong after; None if none was correct.
        queries: mean number of queries per example.
        untouched: number of examples in whose text the attack could change nothing.
        unspaced: number of examples with words in a script without spaces; see `uegr.perturb.words.has_unspaced_words`.
        words_changed: mean share of changed words over the successes.
        similarity: mean cosine of the sentence embeddings before and after, over the successes.
        outcomes: packed bits, correct after the attack; see `uegr.evaluation.packed_outcomes`.
        samples: some successes.
        cost: cost of the attack.
        split: name of the attacked split.
        temperature: the search saw the logits divided by it; None: as they are.
        trained_on: whether the model was trained on such edits; see `uegr.perturb.views.trained_attacks`.
        slices: parts of the data; see `uegr.evaluation.data_slices`.
        texts: every attacked text, where the reader asked for them; see `uegr.runs.attacked_texts`.
    """

    attack: str
    options: dict[str, Any] = field(default_factory=dict)
    examples: int | None = None
    clean_accuracy: float | None = None
    accuracy: float
    success_rate: float | None = None
    queries: float | None = None
    untouched: int | None = None
    unspaced: int | None = None
    words_changed: float | None = None
    similarity: float | None = None
    outcomes: str | None = None
    samples: Annotated[list[dict[str, str]], list[Sample]] = field(default_factory=list)
    cost: EvaluationCost | None = None
    split: str | None = None
    temperature: float | None = None
    trained_on: bool | None = None
    slices: Annotated[list[dict[str, Any]], list[Slice]] = field(default_factory=list)
    texts: list[dict[str, Any]] = field(default_factory=list)

    ALWAYS = ("options", "success_rate", "words_changed", "similarity", "samples")
    NEVER = ("further", "texts")

    @property
    def search(self) -> str:
        """The attack, and whether it was calibrated."""
        return self.attack if self.temperature is None else f"{self.attack} calibrated"

    @property
    def key(self) -> str:
        """Identifies the search among those on one run: the attack, whether it was calibrated, and the data."""
        return f"{self.search}{on_data(self.split)}"

    @property
    def title(self) -> str:
        """The attack, for tables and figures; with the temperature, where the search saw calibrated probabilities."""
        name = self.attack.replace("_", " ") + on_data(self.split)
        return name if self.temperature is None else f"{name} (temperature {self.temperature:.2f})"

    @property
    def mark(self) -> str:
        """Stands in tables after the accuracy."""
        return TRAINED_MARK if self.trained_on else ""

    def scores(self) -> NDArray[np.float64] | None:
        """1 for each attacked example that is right after the attack, else 0, (examples,); None if not stored."""
        if self.outcomes is None or self.examples is None:
            return None
        return unpack_bits(self.outcomes, self.examples).astype(float)


def read_curve(part: Any, name: str) -> tuple[str, list[float]]:
    """Return the metric of a robustness curve that was read from JSON, and its value at each epsilon.

    Raises:
        MisfitError: there is not one number for each epsilon.
    """
    metric = curve_metric(part)
    check_object(part, ["epsilons", metric], name)
    values = read_value(part[metric], list[float], f"{name}.{metric}")
    if len(values) != len(read_value(part["epsilons"], list[float], f"{name}.epsilons")) or not values:
        raise MisfitError(f"lacks {name}.{metric} for each of {name}.epsilons")
    return metric, values


def curve_metric(part: Any) -> str:
    """Return the metric of a robustness curve that was read from JSON."""
    return next((name for name in CURVES if isinstance(part, Mapping) and name in part), CURVES[0])


def on_data(split: str | None) -> str:
    """Return the suffix of the name of an attack: empty for test data."""
    return " on validation data" if split == "validation" else ""
