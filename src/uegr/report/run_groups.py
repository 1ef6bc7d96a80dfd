"""Groups of runs that differ in nothing but their seed: a figure shows the mean of a group."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scipy import stats

from uegr.evaluation.statistics import CONFIDENCE
from uegr.runs.run_result import RunResult

CURVE = ("metric", "epsilons", "norm", "relative", "steps", "restarts")
"""The settings of the robustness curve that are equal in a group."""


@dataclass(frozen=True, eq=False)
class Group:
    """Runs of one method with one set of options on the same task, test data, model and amount of data.

    Args:
        label: unique among the groups.
        index: position among the groups, which decides the colour in every figure.
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
        attack = [getattr(run.robustness, name) for name in CURVE]
        measured = [*attack, run.at_typo_rate]
        content = [run.method, run.task, run.model, run.train_examples, run.options, run.settings, measured]
        members.setdefault(json.dumps(content, sort_keys=True), []).append(run)
    groups = [part for group in members.values() for same_data in _by_data(group) for part in _by_seed(same_data)]
    labels = _labels([group[0] for group in groups])
    return [Group(label, index, group) for index, (label, group) in enumerate(zip(labels, groups, strict=True))]


def _by_data(runs: list[RunResult]) -> list[list[RunResult]]:
    """The runs by the data that they were measured on, if all of them say so."""
    if any(run.test_digest is None for run in runs):
        return [runs]
    digests = dict.fromkeys(run.test_digest for run in runs)
    return [[run for run in runs if run.test_digest == digest] for digest in digests]


def _by_seed(runs: list[RunResult]) -> list[list[RunResult]]:
    """The runs with each seed once in each part: the second run of a seed is in the second part."""
    parts: list[list[RunResult]] = []
    for run in runs:
        number = sum(run.seed == other.seed for part in parts for other in part)
        if number == len(parts):
            parts.append([])
        parts[number].append(run)
    return parts


def _labels(firsts: Sequence[RunResult]) -> list[str]:
    """Return a label for the first run of each group, with the details that distinguish groups of the same label."""
    labels = [first.label(firsts, ("task", "model")) for first in firsts]
    labels = _told_apart(labels, [f"data {first.test_digest[:6]}" if first.test_digest else "" for first in firsts])
    labels = _told_apart(labels, [f"{first.train_examples} training examples" for first in firsts])
    for name in CURVE:
        values = [getattr(first.robustness, name) for first in firsts]
        labels = _told_apart(labels, ["" if value is None else f"attack {name} {value}" for value in values])
    labels = _told_apart(labels, [f"typing errors{first.at_typo_rate or ' at the usual rate'}" for first in firsts])
    repeats = [labels[:position].count(label) for position, label in enumerate(labels)]
    return [f"{label}, run {before + 1}" if before else label for label, before in zip(labels, repeats, strict=True)]


def _told_apart(labels: Sequence[str], details: Sequence[str]) -> list[str]:
    """Add its detail to each label that several groups with different details have."""
    details_of: dict[str, set[str]] = {}
    for label, detail in zip(labels, details, strict=True):
        details_of.setdefault(label, set()).add(detail)
    return [
        f"{label}, {detail}" if detail and len(details_of[label]) > 1 else label
        for label, detail in zip(labels, details, strict=True)
    ]


def analysed(groups: Sequence[Group], part: str) -> dict[Group, dict[str, Any]]:
    """Return this part of the analysis of each group's first run, for the groups that have it."""
    return {group: group.first.analysis[part] for group in groups if group.first.analysis.get(part)}


def first_shown(groups: Sequence[Group]) -> str:
    """Return a sentence for figures that show one run per group; empty where no group has more."""
    seeds = ", ".join(str(group.first.seed) for group in groups if len(group.runs) > 1)
    return f"Groups of several seeds are shown by their first seed: {seeds}." if seeds else ""


def wilson(share: float, count: int | None) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of a share of `count` examples; the share itself without a count."""
    if not count:
        return share, share
    interval = stats.binomtest(round(share * count), count).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)
