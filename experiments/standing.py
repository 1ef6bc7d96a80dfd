"""Where the methods of a grid stand over its data sets: mean ranks by each group of measures, and by all of them."""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from experiments.measure_groups import UNSEEN_TEXT, grouped_measures
from experiments.paths import RESULTS
from uegr.compare.grid_summary import Line, Table, all_measures, rank_values, ranks, summarise
from uegr.compare.result_slot import ResultSlot, latest_slots
from uegr.evaluation.statistics import average_ranks, critical_difference, friedman_p, holm

ALL = "all"
"""The name of the ranking by all groups of measures together."""
FEWEST_TASKS = 5
"""Ranks over fewer data sets say nothing: no difference is critical."""


@dataclass(frozen=True)
class Ranking:
    """The methods by one group of measures.

    Args:
        mean_ranks: of each method over the data sets, 1 is best.
        tasks: number of data sets, those on which every method has a value.
        p: of the Friedman test; NaN where it cannot be made.
    """

    mean_ranks: dict[str, float]
    tasks: int
    p: float = math.nan

    @property
    def ordered(self) -> list[str]:
        """The methods, best first."""
        return sorted(self.mean_ranks, key=lambda method: self.mean_ranks[method])

    def not_different(self) -> list[list[str]]:
        """The largest groups of methods, best first, whose mean ranks lie within one critical difference."""
        ordered, ranks_of = self.ordered, self.mean_ranks
        difference = critical_difference(len(ordered), self.tasks)
        groups: list[list[str]] = []
        for start, best in enumerate(ordered):
            group = [method for method in ordered[start:] if ranks_of[method] - ranks_of[best] < difference]
            if not groups or group[-1] != groups[-1][-1]:
                groups.append(group)
        return groups


@dataclass(frozen=True)
class Standing:
    """The results of a grid so far.

    Args:
        slots: of all its runs.
        tables: one per data set, with groups of measures instead of single ones.
    """

    slots: list[ResultSlot]
    tables: list[Table]

    @classmethod
    @functools.cache  # several pages show the same grid
    def of_grid(cls, name: str) -> Standing:
        """From the results file of a grid."""
        slots = latest_slots(RESULTS / f"{name}.jsonl")
        return cls(slots, summarise(slots, choose_measures=grouped_measures))

    @property
    def done(self) -> int:
        """The number of runs with a result."""
        return sum(slot.run is not None for slot in self.slots)

    def lines(self, method: str) -> list[Line]:
        """A method's lines on all data sets where it has a run."""
        return [line for table in self.tables if (line := table.line(method))]

    @functools.cached_property
    def adjusted_p(self) -> dict[str, float]:
        """The p of each of the rankings after Holm's correction over all of them."""
        return dict(zip(self.rankings, holm([ranking.p for ranking in self.rankings.values()]), strict=True))

    @functools.cached_property
    def rankings(self) -> dict[str, Ranking]:
        """By each group of measures, and by `ALL`; rankings over fewer than `FEWEST_TASKS` data sets are left out."""
        by_group = {measure.name: _ranking(*rank_values(self.tables, measure)) for measure in all_measures(self.tables)}
        rankings = {**by_group, ALL: self.overall()}
        return {name: ranking for name, ranking in rankings.items() if ranking.tasks >= FEWEST_TASKS}

    def overall(self, without: Collection[str] = (), count_once: Mapping[str, str] = UNSEEN_TEXT) -> Ranking:
        """By all groups of measures: the methods are ranked by the mean of their ranks on each data set with a run of
        every one.

        Args:
            without: data sets that are left out.
            count_once: group -> the name under which it counts once with others.
        """
        methods = list(dict.fromkeys(line.method for table in self.tables for line in table.lines))
        values = []
        for table in self.tables:
            ranks_there = mean_ranks(table, count_once)
            if set(ranks_there) == set(methods) and table.task not in without:
                values.append([-ranks_there[method] for method in methods])
        return _ranking(methods, values)


def mean_ranks(table: Table, count_once: Mapping[str, str] = UNSEEN_TEXT) -> dict[str, float]:
    """The mean of each method's ranks by the groups of measures on a data set; empty if a method lacks one of them.

    Args:
        count_once: group -> the name under which it counts once with others.
    """
    by_name: dict[str, list[dict[str, float]]] = {}
    for measure in table.measures:
        if of_group := ranks([table], measure)[0]:
            by_name.setdefault(count_once.get(measure.name, measure.name), []).append(of_group)
    methods = [line.method for line in table.lines]
    if any({*of_group} != {*methods} for groups in by_name.values() for of_group in groups):
        return {}
    return {
        method: mean(mean(of_group[method] for of_group in groups) for groups in by_name.values())
        for method in methods
        if by_name
    }


def _ranking(methods: Sequence[str], values: Sequence[Sequence[float]]) -> Ranking:
    if not values:
        return Ranking({}, 0)
    return Ranking(dict(zip(methods, average_ranks(values), strict=True)), len(values), friedman_p(values))
