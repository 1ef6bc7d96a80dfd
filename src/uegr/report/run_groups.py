"""Groups of runs that differ in nothing but their seed: a figure shows the mean of a group."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scipy import stats

from uegr.evaluation.statistics import LEVEL
from uegr.runs.run_result import RunResult


@dataclass(frozen=True, eq=False)
class Group:
    """Runs of one method with one set of options on the same task, model and amount of data.

    Args:
        label: unique among the groups.
        index: its position among the groups, which decides its colour in every figure.
        runs: one per seed.
    """

    label: str
    index: int
    runs: list[RunResult]

    @property
    def first(self) -> RunResult:
        """The run that a figure shows where it can show only one run per group."""
        return self.runs[0]

    @property
    def seeds(self) -> str:
        """The seeds, in words."""
        names = ", ".join(str(run.seed) for run in self.runs)
        return f"seed {names}" if len(self.runs) == 1 else f"seeds {names}"


def group_runs(runs: Sequence[RunResult]) -> list[Group]:
    """Return the runs in groups, in the order in which the groups first appear."""
    members: dict[str, list[RunResult]] = {}
    for run in runs:
        curve = run.robustness
        attack = [curve.metric, curve.epsilons, curve.norm, curve.relative, curve.steps, curve.restarts]
        content = [run.method, run.task, run.model, run.train_examples, run.options, attack]
        members.setdefault(json.dumps(content, sort_keys=True), []).append(run)
    firsts = [group[0] for group in members.values()]
    return [
        Group(first.label(firsts, ("task", "model")), index, group)
        for index, (first, group) in enumerate(zip(firsts, members.values(), strict=True))
    ]


def analysed(groups: Sequence[Group], part: str) -> dict[Group, dict[str, Any]]:
    """Return this part of the analysis of each group's first run, for the groups that have it."""
    return {group: group.first.analysis[part] for group in groups if group.first.analysis.get(part)}


def first_shown(groups: Sequence[Group]) -> str:
    """Return a sentence for figures that show one run per group; empty where no group has more."""
    seeds = ", ".join(str(group.first.seed) for group in groups if len(group.runs) > 1)
    return f"Of several seeds the first is shown: {seeds}." if seeds else ""


def wilson(share: float, count: int | None) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of a share of `count` examples; the share itself without a count."""
    if not count:
        return share, share
    interval = stats.binomtest(round(share * count), count).proportion_ci(LEVEL, method="wilson")
    return float(interval.low), float(interval.high)
