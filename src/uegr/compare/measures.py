"""The measures that methods are compared by: one number per run and, where possible, one number per example."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from uegr.compare.result_slot import Run
from uegr.evaluation.data_slices import CLASS
from uegr.evaluation.packed_outcomes import unpack_bits, unpack_outcomes
from uegr.evaluation.statistics import Scores
from uegr.modeling.metrics import METRICS, Metric
from uegr.runs.run_result import primary_metric, robust_curve
from uegr.runs.text_searches import attack_heading, check_distinct

FURTHER = ("embedding_attacks", "text_attacks")
"""The parts of results.json that `uegr attack` writes."""


@dataclass(frozen=True)
class Measure:
    """A measure that methods are compared by.

    Args:
        name: unique among the measures of a table.
        metric: how it is shown and read.
        value: the measure of a run; None if the run does not have it.
        scores: the measure of a run as one number in [0, 1] per example; None if these are not recorded.
    """

    name: str
    metric: Metric
    value: Callable[[Run], float | None]
    scores: Callable[[Run], Scores | None] = lambda run: None

    def number(self, run: Run) -> float:
        """The measure of a run that has it."""
        value = self.value(run)
        if value is None:
            raise ValueError(f"the run has no {self.name}")
        return float(value)


def robustness(run: Run) -> float | None:
    """Mean of the robustness curve over its epsilons above 0; None if nothing was attacked."""
    _, epsilons, values = robust_curve(run)
    return _mean_attacked(epsilons, values)


def _mean_attacked(epsilons: Sequence[float], values: Sequence[float]) -> float | None:
    attacked = [value for epsilon, value in zip(epsilons, values, strict=True) if epsilon > 0]
    return sum(attacked) / len(attacked) if attacked else None


def collapsed(run: Run) -> bool:
    """Whether the model collapsed to a constant prediction.

    Its accuracy is the same at every radius, and it is right on nearly all texts of one class and on nearly none of the
    others. Runs of earlier versions do not record the accuracy by class. For tasks other than classification the
    published metric must be 0, as the correlation of a constant prediction is.
    """
    metric, _, values = robust_curve(run)
    if len(values) < 2 or max(values) > min(values):
        return False
    if metric != "accuracy":
        return not abs(run["metrics"][primary_metric(run)]) > 0  # 0 or NaN
    by_class = sorted(part["accuracy"] for part in run.get("slices", []) if part["slice"].startswith(CLASS))
    return not by_class or (len(by_class) > 1 and by_class[-1] > 0.95 and by_class[-2] < 0.05)


def measures_of(runs: Sequence[Run]) -> list[Measure]:
    """`MEASURES`, and one measure for each further attack and each further task of any of the runs.

    For an attack it is the accuracy, for attacks on embeddings its mean over the radii; for a task, the published
    metric.
    """
    attacks = {result["attack"] for run in runs for part in FURTHER for result in run.get(part, [])}
    tasks = dict.fromkeys(entry["task"] for run in runs for entry in run.get("transfer", []))
    measures = [*MEASURES, *map(_under, sorted(attacks)), *map(_on, tasks)]
    check_distinct([measure.name for measure in measures])
    return measures


def _on(task: str) -> Measure:
    def value(run: Run) -> float | None:
        entry = next((entry for entry in run.get("transfer", []) if entry["task"] == task), None)
        return None if entry is None else float(entry["metrics"][entry["metric"]])

    return Measure(f"on {task}", Metric(f"on {task} %"), value)


def _under(name: str) -> Measure:
    def result_of(run: Run) -> dict[str, Any] | None:
        results = (result for part in FURTHER for result in run.get(part, []))
        return next((result for result in results if result["attack"] == name), None)

    def value(run: Run) -> float | None:
        result = result_of(run)
        if result is None:
            return None
        accuracy = result["accuracy"]
        return _mean_attacked(result["epsilons"], accuracy) if "epsilons" in result else float(accuracy)

    def scores(run: Run) -> Scores | None:
        result = result_of(run)
        if result is None or "outcomes" not in result:
            return None
        return unpack_bits(result["outcomes"], result["examples"]).astype(float)

    title = attack_heading(name)
    return Measure(title, Metric(f"{title} %"), value, scores)


def _clean_scores(run: Run) -> Scores | None:
    outcomes = unpack_outcomes(run)
    return None if outcomes is None else outcomes[0].astype(float)


def _robust_scores(run: Run) -> Scores | None:
    outcomes = unpack_outcomes(run)
    if outcomes is None:
        return None
    attacked = [epsilon > 0 for epsilon in run["robustness"]["epsilons"]]
    scores: Scores = outcomes[1][attacked].mean(axis=0)
    return scores


def _typos(run: Run) -> float | None:
    """The metric of the kind of task under typing errors, where more of it is better."""
    for name, value in run["metrics"].items():
        if name.startswith("typo_") and not METRICS[name.removeprefix("typo_")].lower_is_better:
            return float(value)
    return None


CLEAN = Measure("clean", Metric("clean %"), lambda run: float(run["metrics"][primary_metric(run)]), _clean_scores)
ROBUST = Measure("robust", Metric("robust %"), robustness, _robust_scores)
TYPOS = Measure("typos", Metric("typos %"), _typos)
ECE = Measure("ECE", METRICS["ece"], lambda run: run["metrics"].get("ece"))
MEASURES = (CLEAN, ROBUST, TYPOS, ECE)
