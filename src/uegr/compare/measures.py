"""What methods are compared by: each measure of a run, as one number and, where it can be, as one an example."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from uegr.evaluation.packed_outcomes import unpack_bits, unpack_outcomes
from uegr.evaluation.statistics import Scores
from uegr.runs.run_result import primary_metric, robust_curve

Run = dict[str, Any]
FURTHER = ("embedding_attacks", "text_attacks")
"""Where results.json keeps what `uegr attack` found."""


@dataclass(frozen=True)
class Measure:
    """Something that methods are compared by.

    Args:
        name: a heading.
        value: of a run; None where the run has no such thing.
        scores: of a run, one number in [0, 1] an example; None where none is kept.
        sign: 1 if more is better, -1 if less is.
    """

    name: str
    value: Callable[[Run], float | None]
    scores: Callable[[Run], Scores | None] = lambda run: None
    sign: int = 1


def shown(measure: str) -> tuple[int, int]:
    """What a measure of that name is multiplied by to be shown, and its decimals: points, but calibration as it is."""
    return (1, 3) if measure == "ECE" else (100, 1)


def robustness(run: Run) -> float | None:
    """Mean of the robustness curve over its epsilons above 0; None where nothing was attacked."""
    _, epsilons, values = robust_curve(run)
    return _mean_attacked(epsilons, values)


def _mean_attacked(epsilons: Sequence[float], values: Sequence[float]) -> float | None:
    attacked = [value for epsilon, value in zip(epsilons, values, strict=True) if epsilon > 0]
    return sum(attacked) / len(attacked) if attacked else None


def unmoved(run: Run) -> bool:
    """Whether no radius changes the accuracy: the mark of a model that gives one answer to everything."""
    _, _, values = robust_curve(run)
    return len(values) > 1 and max(values) == min(values)


def measures_of(runs: Iterable[Run]) -> list[Measure]:
    """`MEASURES`, and one for each further attack that any of the runs has been under: the accuracy that is left, on
    embeddings as the mean over the radii."""
    further = {part["attack"] for run in runs for kind in FURTHER for part in run.get(kind, [])}
    return [*MEASURES, *(_under(name) for name in sorted(further))]


def _under(name: str) -> Measure:
    def part(run: Run) -> dict[str, Any] | None:
        return next((one for kind in FURTHER for one in run.get(kind, []) if one["attack"] == name), None)

    def value(run: Run) -> float | None:
        one = part(run)
        if one is None:
            return None
        return _mean_attacked(one["epsilons"], one["accuracy"]) if "epsilons" in one else float(one["accuracy"])

    def scores(run: Run) -> Scores | None:
        one = part(run)
        if one is None or "outcomes" not in one:
            return None
        return unpack_bits(one["outcomes"], one["examples"]).astype(float)

    return Measure(name, value, scores)


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


MEASURES = (
    Measure("clean", lambda run: float(run["metrics"][primary_metric(run)]), _clean_scores),
    Measure("robust", robustness, _robust_scores),
    Measure("typos", lambda run: run["metrics"].get("typo_accuracy", run["metrics"].get("typo_pearson"))),
    Measure("ECE", lambda run: run["metrics"].get("ece"), sign=-1),
)
