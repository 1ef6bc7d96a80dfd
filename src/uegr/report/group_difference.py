"""The difference of two groups of runs by one measure, with the interval that the stored numbers allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, isnan, nan

import numpy as np

from uegr.evaluation.statistics import ROUNDING, estimate, paired_interval
from uegr.report.run_groups import Group, wilson
from uegr.report.table_measures import TableMeasure, mean_value
from uegr.runs.run_result import RunResult


@dataclass(frozen=True)
class Difference:
    """A group minus the reference.

    Args:
        value: the difference, in the unit in which the measure is stored.
        low, high: ends of its 95 % interval; NaN where there is none.
        sign: 1 if higher is better, -1 if lower is better.
        means: of the group and of the reference, whose difference it is.
        shared_seeds: the number of seeds that both have, if the means are over these alone; None if over all runs.
    """

    value: float
    low: float
    high: float
    sign: int
    means: tuple[float, float]
    shared_seeds: int | None = None

    @property
    def judgement(self) -> str:
        """Better or worse where the interval excludes 0; otherwise no difference is shown."""
        if isnan(self.low):
            return "no interval"
        if self.low <= 0 <= self.high:
            return "not shown"
        return "better" if self.value * self.sign > 0 else "worse"

    @property
    def on_seeds(self) -> str:
        """On which seeds the means are, in words; empty if they are over all runs."""
        return "" if self.shared_seeds is None else f"on the {self.shared_seeds} seeds that both have"


def reference_of(groups: list[Group]) -> Group:
    """Return the group that the others are compared with: plain fine-tuning, or else the first."""
    return next((group for group in groups if group.first.method == "plain"), groups[0])


def are_comparable(group: Group, reference: Group) -> bool:
    """Whether the two groups were measured on the same data; results of earlier versions have no digest of it."""
    digests = {group.first.test_digest, reference.first.test_digest} - {None}
    same_name = all(getattr(group.first, name) == getattr(reference.first, name) for name in ("task", "split"))
    return same_name and len(digests) < 2


def group_interval(group: Group, measure: TableMeasure) -> tuple[float, float]:
    """Return the 95 % interval of a group's value: Student's over several seeds, Wilson's for one run; else NaN."""
    measured = [(value, run) for run in group.runs if (value := measure.value(run)) is not None]
    if len(measured) > 1:
        mean = estimate([value for value, _ in measured])
        return measure.metric.clip((mean.low, mean.high))
    counts = [(value, count) for value, run in measured if (count := measure.examples(run))]
    return wilson(*counts[0]) if counts else (nan, nan)


def difference_between(group: Group, reference: Group, measure: TableMeasure) -> Difference | None:
    """Return the group minus the reference; None where one of them lacks the measure or they have other data.

    The interval is the first of these that is possible: over the seeds that both have, if there are several with
    different differences; over the paired examples, with the mean over the seeds of each; for single runs, the interval
    of two independent shares (Newcombe 1998).
    """
    if not are_comparable(group, reference):
        return None
    means = mean_value(measure, group.runs), mean_value(measure, reference.runs)
    value = means[0] - means[1]
    if isnan(value):
        return None
    pairs = _pairs(group, reference, measure)
    if len(pairs) > 1:
        over_seeds = estimate([measure.number(own) - measure.number(other) for own, other in pairs])
        low, high = measure.metric.clip_difference((over_seeds.low, over_seeds.high))
        if over_seeds.sd <= ROUNDING:  # equal differences say nothing about the differences of further seeds
            low, high = _interval_over_examples(pairs, measure) or (nan, nan)
        measured = [sum(measure.value(run) is not None for run in side.runs) for side in (group, reference)]
        if measured == [len(pairs)] * 2:
            return Difference(over_seeds.mean, low, high, measure.metric.sign, means)
        means = mean_value(measure, [own for own, _ in pairs]), mean_value(measure, [other for _, other in pairs])
        return Difference(over_seeds.mean, low, high, measure.metric.sign, means, len(pairs))
    if len(group.runs) > 1 or len(reference.runs) > 1:
        return Difference(value, nan, nan, measure.metric.sign, means)
    interval = _interval_over_examples(pairs, measure) if pairs else None
    interval = interval or _independent_interval(group, reference, measure, value)
    return Difference(value, *interval, measure.metric.sign, means)


def _pairs(group: Group, reference: Group, measure: TableMeasure) -> list[tuple[RunResult, RunResult]]:
    """The runs of the same seed that both have the measure."""
    by_seed = {run.seed: run for run in reference.runs if measure.value(run) is not None}
    return [(run, by_seed[run.seed]) for run in group.runs if run.seed in by_seed and measure.value(run) is not None]


def _interval_over_examples(
    pairs: Sequence[tuple[RunResult, RunResult]], measure: TableMeasure
) -> tuple[float, float] | None:
    """The interval over paired examples; None where the outcomes of the same examples are not stored."""
    differences = []
    for own, other in pairs:
        own_scores, other_scores = measure.scores(own), measure.scores(other)
        if own_scores is None or other_scores is None or own_scores.shape != other_scores.shape:
            return None
        differences.append(own_scores - other_scores)
    if len({len(difference) for difference in differences}) > 1:
        return None
    return paired_interval(np.mean(differences, axis=0))


def _independent_interval(group: Group, reference: Group, measure: TableMeasure, value: float) -> tuple[float, float]:
    own, other = measure.number(group.first), measure.number(reference.first)
    own_low, own_high = group_interval(group, measure)
    other_low, other_high = group_interval(reference, measure)
    return value - hypot(own - own_low, other_high - other), value + hypot(own_high - own, other - other_low)
