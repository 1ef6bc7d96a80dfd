"""The measures that methods are compared by: one number per run and, where possible, one number per example."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from uegr.evaluation.data_slices import CLASS
from uegr.evaluation.packed_outcomes import unpack_outcomes
from uegr.evaluation.statistics import Scores
from uegr.modeling.metrics import METRICS, Metric
from uegr.runs.result_parts import RobustnessCurve, TextAttackRecord
from uegr.runs.run_result import RunResult
from uegr.runs.text_attack_groups import attack_heading, check_distinct


@dataclass(frozen=True)
class Measure:
    """A measure that methods are compared by.

    Args:
        name: unique among the measures of a table.
        metric: how it is shown and read.
        value: the measure of a run; None if the run does not have it.
        scores: one number in [0, 1] per example, whose mean is the measure of a run; None if it is no such mean, or if
            they are not recorded.
    """

    name: str
    metric: Metric
    value: Callable[[RunResult], float | None]
    scores: Callable[[RunResult], Scores | None] = lambda run: None

    def number(self, run: RunResult) -> float:
        """The measure of a run that has it."""
        value = self.value(run)
        if value is None:
            raise ValueError(f"the run has no {self.name}")
        return float(value)


def robustness(run: RunResult) -> float | None:
    """Mean of the robustness curve over its epsilons above 0; None if nothing was attacked."""
    return _mean_attacked(run.robustness)


def _mean_attacked(curve: RobustnessCurve) -> float | None:
    attacked = [value for epsilon, value in zip(curve.epsilons, curve.values, strict=True) if epsilon > 0]
    return sum(attacked) / len(attacked) if attacked else None


def collapsed(run: RunResult) -> bool:
    """Whether the model collapsed to a constant prediction.

    It is right on nearly all texts of one class and on nearly none of the others, also if an attack changes some of its
    few other predictions. Where the accuracy by class is not recorded (other tasks than classification, earlier
    versions), the result is the same at every radius and, in other tasks, the published metric is 0, as the correlation
    of a constant prediction is.
    """
    by_class = sorted(part["accuracy"] for part in run.slices if part["slice"].startswith(CLASS))
    if by_class and run.robustness.metric == "accuracy":
        return len(by_class) > 1 and by_class[-1] > 0.95 and by_class[-2] < 0.05
    values = run.robustness.values
    if len(values) < 2 or max(values) > min(values):
        return False
    return run.robustness.metric == "accuracy" or not abs(run.metrics[run.metric]) > 0  # 0 or NaN


def measures_of(runs: Sequence[RunResult]) -> list[Measure]:
    """`MEASURES`, and one measure for each further attack and each further task of any of the runs.

    For an attack it is the accuracy, for attacks on embeddings its mean over the radii; for a task, the published
    metric. Typing errors of another rate than that of the first run are not compared with its own.
    """
    attacks = {curve.attack for run in runs for curve in run.embedding_attacks}
    attacks |= {attack.search for run in runs for attack in run.text_attacks}
    tasks = dict.fromkeys(entry["task"] for run in runs for entry in run.transfer)
    rate = runs[0].at_typo_rate
    typos = replace(TYPOS, value=lambda run: _typos(run) if run.at_typo_rate == rate else None)
    measures = [
        *(typos if measure is TYPOS else measure for measure in MEASURES),
        *map(_under, sorted(attacks)),
        *map(_on, tasks),
    ]
    check_distinct([measure.name for measure in measures])
    return measures


def _on(task: str) -> Measure:
    def value(run: RunResult) -> float | None:
        entry = next((entry for entry in run.transfer if entry["task"] == task), None)
        return None if entry is None else float(entry["metrics"][entry["metric"]])

    return Measure(f"on {task}", Metric(f"on {task} %"), value)


def _under(name: str) -> Measure:
    def text_attack(run: RunResult) -> TextAttackRecord | None:
        return next((attack for attack in run.text_attacks if attack.search == name), None)

    def value(run: RunResult) -> float | None:
        curve = next((curve for curve in run.embedding_attacks if curve.attack == name), None)
        if curve is not None:
            return _mean_attacked(curve)
        attack = text_attack(run)
        return None if attack is None else float(attack.accuracy)

    def scores(run: RunResult) -> Scores | None:
        attack = text_attack(run)
        return None if attack is None else attack.scores()

    title = attack_heading(name)
    return Measure(title, Metric(f"{title} %"), value, scores)


def _clean_scores(run: RunResult) -> Scores | None:
    """None where the published metric is no mean over the examples: a Matthews correlation can fall while the accuracy
    rises, and then the examples say nothing about it."""
    if run.metric != "accuracy":
        return None
    outcomes = unpack_outcomes(run.outcomes, run.robustness.examples)
    return None if outcomes is None else outcomes[0].astype(float)


def _robust_scores(run: RunResult) -> Scores | None:
    outcomes = unpack_outcomes(run.outcomes, run.robustness.examples)
    if outcomes is None:
        return None
    attacked = [epsilon > 0 for epsilon in run.robustness.epsilons]
    scores: Scores = outcomes[1][attacked].mean(axis=0)
    return scores


def _typos(run: RunResult) -> float | None:
    """The metric of the kind of task under typing errors, where more of it is better."""
    for name, value in run.metrics.items():
        if name.startswith("typo_") and not METRICS[name.removeprefix("typo_")].lower_is_better:
            return float(value)
    return None


CLEAN = Measure("clean", Metric("clean %"), lambda run: float(run.metrics[run.metric]), _clean_scores)
ROBUST = Measure("robust", Metric("robust %"), robustness, _robust_scores)
TYPOS = Measure("typos", Metric("typos %"), _typos)
ECE = Measure("ECE", METRICS["ece"], lambda run: run.metrics.get("ece"))
MEASURES = (CLEAN, ROBUST, TYPOS, ECE)
