"""One measured run: an entry of results.json, typed. docs/results-schema.md describes every field.

Accuracies are fractions, NLL is in nats, times are in seconds. `uegr.runs.results_json` reads and writes the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from reprlib import repr as shortened
from typing import Annotated, Any, Self

from uegr.errors import UsageError
from uegr.modeling.metrics import METRICS
from uegr.perturb.views import ATTACKS_OF_EDIT
from uegr.runs.analysis_check import check_analysis
from uegr.runs.json_parts import JsonPart, MisfitError, check_object
from uegr.runs.result_parts import TRAINED_MARK, RobustnessCurve, TextAttackRecord, TrainingCost
from uegr.runs.result_shapes import Analysis, LengthBaseline, Outcomes, OverlapShape, Slice, TransferShape

Series = tuple[list[int], list[float]]
"""Training steps and values."""
USUAL_TYPO_RATE = 0.3
"""The rate of typing errors in files that do not hold it."""


@dataclass(frozen=True, kw_only=True)
class RunResult(JsonPart):
    """What was measured on one run.

    Args:
        method, options: the method, and its options that were given.
        task, model, seed, train_examples: the training; `train_examples` is a number.
        split, test_examples: name of the measured split, and number of its examples.
        test_digest: digest of the measured texts and labels; see `uegr.data.row_digest`.
        metric: the published metric of the task, a name in `metrics`.
        positive_label: the class whose F1 score is "f1", where that is measured.
        typo_unchanged: number of texts in which no typing error is possible.
        typo_rate: probability of a typing error per word.
        typo_trained_on: whether the model was trained on typing errors; see `uegr.perturb.views.trained_attacks`.
        metrics: all metrics; see `uegr.evaluation.evaluator`.
        robustness: the metric under the embedding attack of `uegr evaluate`.
        outcomes: per example; see `uegr.evaluation.packed_outcomes`.
        leakage: overlap of test and training texts; see `uegr.data.overlap`.
        length_baseline: accuracy and AUC of a classifier that sees lengths only; see `uegr.evaluation.length_baseline`.
        cost: cost of the training.
        slices: accuracy of parts of the data; see `uegr.evaluation.data_slices`.
        text_attacks, embedding_attacks: results of `uegr attack`.
        analysis: name of a part of `uegr analyse` -> its numbers.
        transfer: one entry per further task of `uegr evaluate --on`.
        log: the entries of the training log, where the reader asked for them; not part of results.json.
        settings: of the training, such as the learning rate and the digest of its file, from the run.json beside it;
            not part of results.json.
    """

    method: str
    options: dict[str, Any] = field(default_factory=dict)
    task: str
    model: str
    seed: int
    train_examples: int
    split: str | None = None
    test_examples: int | None = None
    test_digest: str | None = None
    metric: str = "accuracy"  # files of the first version do not name it
    positive_label: str | None = None
    typo_unchanged: int | None = None
    typo_rate: float | None = None
    typo_trained_on: bool | None = None
    metrics: dict[str, float]
    robustness: RobustnessCurve
    outcomes: Annotated[dict[str, Any] | None, Outcomes | None] = None
    leakage: Annotated[dict[str, Any] | None, OverlapShape | None] = None
    length_baseline: Annotated[dict[str, float] | None, LengthBaseline | None] = None
    cost: TrainingCost
    slices: Annotated[list[dict[str, Any]], list[Slice]] = field(default_factory=list)
    text_attacks: list[TextAttackRecord] = field(default_factory=list)
    embedding_attacks: list[RobustnessCurve] = field(default_factory=list)
    analysis: Annotated[dict[str, dict[str, Any]], Analysis] = field(default_factory=dict)
    transfer: Annotated[list[dict[str, Any]], list[TransferShape]] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)

    ALWAYS = ("options",)
    NEVER = ("further", "log", "settings")

    @classmethod
    def from_dict(cls, entry: Any, where: object = "results.json") -> Self:
        """Read an entry of results.json.

        Args:
            entry: the parsed entry.
            where: the file, for messages.

        Raises:
            UsageError: a field is missing or has another form.
        """
        try:
            return cls.read(entry)
        except MisfitError as error:
            raise UsageError(f"'{where}' {error}: measure again with uegr evaluate.") from error

    @classmethod
    def read(cls, entry: Any) -> Self:
        """Read an entry of results.json.

        Raises:
            MisfitError: a field is missing or has another form.
        """
        if not isinstance(entry, dict):
            raise MisfitError(f"holds {shortened(entry)} instead of a run")
        result = super().from_dict(entry)
        _check_metric(result.metric)
        check_object(result.metrics, [result.metric], "metrics")
        _check_transfer(result.transfer)
        check_analysis(result.analysis)
        return result

    @property
    def at_typo_rate(self) -> str:
        """The rate of typing errors in words, empty for the usual one. Numbers of different rates are not compared."""
        return "" if self.typo_rate in (None, USUAL_TYPO_RATE) else f" at rate {self.typo_rate:g}"

    @property
    def typo_mark(self) -> str:
        """Stands in tables after a number under typing errors."""
        trained_on = self.typo_trained_on
        if trained_on is None:  # a file of an earlier version: its attacks that make typing errors say it
            alike = [attack for attack in self.text_attacks if attack.attack in ATTACKS_OF_EDIT["typos"]]
            trained_on = any(attack.trained_on for attack in alike)
        return TRAINED_MARK if trained_on else ""

    @property
    def masking_reasons(self) -> list[str]:
        """Sentences that say why gradient masking is suspected; empty where it is not."""
        masking = self.analysis.get("gradient_masking", {})
        return list(masking.get("reasons", ())) if masking.get("flag") else []

    def label(self, among: Sequence[RunResult], names: Sequence[str] = ("seed", "task", "model")) -> str:
        """Return the method and its options, and those of the named fields in which the runs `among` differ.

        Settings of the training are added where several runs would have the same label without them.
        """
        label = self._label(among, names)
        alike = [result.settings for result in among if result._label(among, names) == label]
        differing = [name for name in self.settings if any(other.get(name) != self.settings[name] for other in alike)]
        return ", ".join([label, *(f"{name} {self.settings[name]}" for name in differing)])

    def _label(self, among: Sequence[RunResult], names: Sequence[str]) -> str:
        options = ", ".join(f"{name} {value}" for name, value in self.options.items())
        parts = [f"{self.method} ({options})" if options else self.method]
        parts += [
            f"{name} {getattr(self, name)}" for name in names if len({getattr(result, name) for result in among}) > 1
        ]
        return ", ".join(parts)

    def series(self, name: str) -> Series:
        """Return the steps at which a quantity was logged, and its values; empty lists if it never was."""
        entries = [entry for entry in self.log if name in entry and "step" in entry]
        return [entry["step"] for entry in entries], [float(entry[name]) for entry in entries]

    def logged(self, prefix: str) -> list[str]:
        """Return the logged names that begin with the prefix, in the order in which they were logged."""
        names = (name for entry in self.log for name in entry if name.startswith(prefix))
        return list(dict.fromkeys(names))


def _check_transfer(entries: Sequence[dict[str, Any]]) -> None:
    """Raise a MisfitError unless each entry has the value of its metric."""
    for index, entry in enumerate(entries):
        metric = entry["metric"]
        _check_metric(metric)
        for part in ("metrics", "unseen"):
            if metric not in entry[part]:
                raise MisfitError(f"lacks transfer[{index}].{part}.{metric}")


def _check_metric(name: str) -> None:
    """Raise a MisfitError unless a metric is one that tables have a heading for."""
    if name not in METRICS:
        raise MisfitError(f"names the metric '{name}', which this version of uegr does not know")
