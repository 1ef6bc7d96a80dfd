"""What a grid's results say: for each task and model, each method's means with intervals, and paired tests.

Every method is compared with plain fine-tuning, and with the best of the others; the p-values of a measure are
adjusted by Holm over all comparisons of that kind in the grid: all methods, tasks and models together. A method that
ends in one answer to everything holds under any attack, and may look calibrated: it is compared with nobody, and ranks
last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from uegr.compare.grid import Grid
from uegr.compare.ledger import Ledger
from uegr.compare.measures import Measure, Run, measures_of, unmoved
from uegr.evaluation.statistics import (
    Comparison,
    Estimate,
    Interval,
    average_ranks,
    compare_paired,
    estimate,
    holm,
)
from uegr.runs.run_result import primary_metric, robust_curve

LEVEL = 0.05


@dataclass(frozen=True)
class Verdict:
    """A comparison with its p after Holm's adjustment over the grid.

    Args:
        other: the method that this one was compared with.
        comparison: this one minus the other.
        p: adjusted.
        sign: of the measure.
    """

    other: str
    comparison: Comparison
    p: float
    sign: int = 1

    @property
    def significant(self) -> bool:
        return self.p < LEVEL

    @property
    def gain(self) -> float:
        """The difference, positive where this one is better."""
        return self.sign * self.comparison.difference.mean


@dataclass
class Line:
    """One method on one task and model.

    Args:
        method: its name in the grid.
        runs: its results by seed.
        wanted: how many the grid asks for.
        estimates: by name of the measure; a measure that the task does not have is missing.
        curve: epsilon -> mean of the curve there.
        plain: by name of the measure: against plain fine-tuning.
        best: likewise against the best of the other methods.
    """

    method: str
    runs: Mapping[int, Run]
    wanted: int
    estimates: dict[str, Estimate] = field(default_factory=dict)
    curve: dict[float, Estimate] = field(default_factory=dict)
    plain: dict[str, Verdict] = field(default_factory=dict)
    best: dict[str, Verdict] = field(default_factory=dict)

    @property
    def unmoved(self) -> int:
        """How many runs no attack changes; see `unmoved`."""
        return sum(unmoved(run) for run in self.runs.values())

    @property
    def learned(self) -> bool:
        """Whether at least half of the runs learned more than one answer to everything."""
        return 2 * self.unmoved <= len(self.runs)

    @property
    def seeds(self) -> str:
        """How many runs there are, and of how many where some are missing."""
        done = len(self.runs)
        return str(done) if done == self.wanted else f"{done}/{self.wanted}"

    def cost(self, key: str) -> float:
        """Mean of a part of the cost over the seeds."""
        return sum(float(run["cost"][key]) for run in self.runs.values()) / len(self.runs)


@dataclass
class Table:
    """The methods on one task and model, and what they are compared by; those without a result yet are left out."""

    task: str
    model: str
    metric: str
    measures: list[Measure]
    lines: list[Line]

    @property
    def complete(self) -> bool:
        """Whether every run that the grid asks for is there."""
        return all(len(line.runs) == line.wanted for line in self.lines)

    def line(self, method: str) -> Line | None:
        return next((line for line in self.lines if line.method == method), None)


def summarise(grid: Grid, ledger: Ledger, interval: Interval = "t") -> list[Table]:
    """The tables of all tasks and models of which there is a result.

    Args:
        grid: what was asked for; one of its methods may be plain fine-tuning.
        ledger: what there is of it.
        interval: see `uegr.evaluation.statistics.estimate`.
    """
    found: dict[tuple[str, str], dict[str, Line]] = {}
    for cell in grid.cells:
        line = found.setdefault((cell.task, cell.model), {}).setdefault(cell.method, Line(cell.method, {}, 0))
        entry = ledger.find(cell)
        runs = line.runs if entry is None else {**line.runs, cell.seed: entry}
        found[cell.task, cell.model][cell.method] = Line(cell.method, runs, line.wanted + 1)
    tables = []
    for (task, model), methods in found.items():
        lines = [line for line in methods.values() if line.runs]
        if not lines:
            continue
        every = [run for line in lines for run in line.runs.values()]
        tables.append(Table(task, model, primary_metric(every[0]), measures_of(every), lines))
        for line in lines:
            _estimate(line, tables[-1].measures, interval)
    plain = next((cell.method for cell in grid.cells if cell.config.method == "plain"), None)
    _judge(tables, "plain", lambda table, line, measure: None if line.method == plain else table.line(plain or ""))
    _judge(tables, "best", _best_other)
    return tables


def all_measures(tables: Iterable[Table]) -> list[Measure]:
    """What any of the tables compares by."""
    return list({measure.name: measure for table in tables for measure in table.measures}.values())


def _estimate(line: Line, measures: list[Measure], interval: Interval) -> None:
    for measure in measures:
        values = [measure.value(run) for run in line.runs.values()]
        if all(value is not None for value in values):
            line.estimates[measure.name] = estimate([float(value) for value in values if value is not None], interval)
    curves = [dict(zip(*robust_curve(run)[1:], strict=True)) for run in line.runs.values()]
    for epsilon in sorted(set.intersection(*(set(curve) for curve in curves))):
        line.curve[epsilon] = estimate([curve[epsilon] for curve in curves], interval)


def _best_other(table: Table, line: Line, measure: Measure) -> Line | None:
    others = [one for one in table.lines if one is not line and one.learned and measure.name in one.estimates]
    return max(others, key=lambda one: measure.sign * one.estimates[measure.name].mean, default=None)


def _judge(tables: list[Table], kind: str, opponent: Callable[[Table, Line, Measure], Line | None]) -> None:
    """Fill the verdicts of those that learned against their opponents, adjusted over all that one measure says."""
    for measure in all_measures(tables):
        asked: list[tuple[Line, Line, Comparison]] = []
        for table in tables:
            for line in (one for one in table.lines if one.learned and measure.name in one.estimates):
                other = opponent(table, line, measure)
                if other is not None and other.learned and measure.name in other.estimates:
                    comparison = _compare(line, other, measure)
                    if comparison is not None:
                        asked.append((line, other, comparison))
        for (line, other, comparison), p in zip(asked, holm([one.p for *_, one in asked]), strict=True):
            getattr(line, kind)[measure.name] = Verdict(other.method, comparison, p, measure.sign)


def _compare(line: Line, other: Line, measure: Measure) -> Comparison | None:
    """On the seeds that both have; example by example where both kept the outcomes of the same examples."""
    seeds = [seed for seed in line.runs if seed in other.runs]
    if not seeds:
        return None
    first, second = ([float(measure.value(one.runs[seed]) or 0.0) for seed in seeds] for one in (line, other))
    scores = [measure.scores(one.runs[seed]) for one in (line, other) for seed in seeds]
    known = [one for one in scores if one is not None]
    if len(known) < len(scores) or len({one.shape for one in known}) > 1:
        return compare_paired(first, second)
    return compare_paired(first, second, np.stack(known[: len(seeds)]), np.stack(known[len(seeds) :]))


def ranks(tables: list[Table], measure: Measure) -> tuple[dict[str, float], int]:
    """Mean rank of each method by a measure, 1 is best, and over how many tables: those where all have a result.
    Those that did not learn share the last rank."""
    methods = list(dict.fromkeys(line.method for table in tables for line in table.lines))
    values = []
    for table in tables:
        lines = [line for method in methods if (line := table.line(method)) and measure.name in line.estimates]
        if len(lines) == len(methods):
            known = [measure.sign * line.estimates[measure.name].mean for line in lines]
            values.append([one if line.learned else -math.inf for one, line in zip(known, lines, strict=True)])
    return (dict(zip(methods, average_ranks(values), strict=True)) if values else {}), len(values)


def mark(line: Line, measure: str) -> str:
    """Whether the method is significantly better ("▲") or worse ("▼") than plain; else nothing."""
    verdict = line.plain.get(measure)
    if verdict is None or not verdict.significant:
        return ""
    return "▲" if verdict.gain > 0 else "▼"


def leads(line: Line, measure: str) -> bool:
    """Whether the method is significantly better than the best of the others."""
    verdict = line.best.get(measure)
    return verdict is not None and verdict.significant and verdict.gain > 0
