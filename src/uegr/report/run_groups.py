"""Runs that differ in nothing but their seed are one thing seen several times: a figure shows their mean."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scipy import stats

from uegr.evaluation.statistics import LEVEL
from uegr.runs.run_result import label, robust_curve

Run = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Group:
    """Runs of one method with one set of options on the same task, model and amount of data.

    Args:
        label: what tells the group from the others.
        at: its place among the groups, which decides its colour in every figure.
        runs: one a seed.
    """

    label: str
    at: int
    runs: list[Run]

    @property
    def first(self) -> Run:
        """The run that stands for the group where a figure can show only one."""
        return self.runs[0]

    @property
    def seeds(self) -> str:
        """Which seeds, in words."""
        names = ", ".join(str(run["seed"]) for run in self.runs)
        return f"seed {names}" if len(self.runs) == 1 else f"seeds {names}"


def group_runs(runs: Sequence[Run]) -> list[Group]:
    """The runs in groups, in the order in which each group first appears."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        same = [run[name] for name in ("method", "task", "model", "train_examples")]
        curve = run["robustness"]
        attack = [robust_curve(run)[:2], *(curve.get(name) for name in ("norm", "relative", "steps", "restarts"))]
        found.setdefault(json.dumps([*same, run.get("options", {}), attack], sort_keys=True), []).append(run)
    seedless = [{**members[0], "seed": None} for members in found.values()]
    return [
        Group(label(one, seedless), at, members)
        for at, (one, members) in enumerate(zip(seedless, found.values(), strict=True))
    ]


def analysed(groups: Sequence[Group], part: str) -> dict[Group, dict[str, Any]]:
    """This part of the analysis of each group's first run, for the groups that have it."""
    found = {group: group.first.get("analysis", {}).get(part) for group in groups}
    return {group: content for group, content in found.items() if content}


def first_shown(groups: Sequence[Group]) -> str:
    """A sentence for figures that show one run a group; empty where no group has more."""
    several = [group for group in groups if len(group.runs) > 1]
    seeds = ", ".join(str(group.first["seed"]) for group in several)
    return f"Of several seeds the first is shown: {seeds}." if several else ""


def wilson(share: float, count: int | None) -> tuple[float, float]:
    """95 % Wilson score interval of a share seen in `count` examples; the share itself if nobody counted."""
    if not count:
        return share, share
    interval = stats.binomtest(round(share * count), count).proportion_ci(LEVEL, method="wilson")
    return float(interval.low), float(interval.high)
