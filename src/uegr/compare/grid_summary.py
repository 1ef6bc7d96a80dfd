"""A summary of a grid's results: for each task and model, each method's means with intervals, and paired tests.

Every method is compared with plain fine-tuning, and with the best of the other methods; the p-values of a measure are
adjusted by Holm over all comparisons of that kind in the grid: all methods, tasks and models together. A method that
collapsed to a constant prediction is robust to any attack, and may look calibrated: it is not compared with any other,
and ranks last.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from uegr.compare.measures import Measure, collapsed, measures_of
from uegr.compare.result_slot import ResultSlot
from uegr.evaluation.statistics import Comparison, Estimate, average_ranks, compare_paired, estimate, holm
from uegr.modeling.metrics import Metric
from uegr.runs.run_result import RunResult

SIGNIFICANCE = 0.05
"""A difference is significant where its adjusted p-value is below it."""


@dataclass(frozen=True)
class Verdict:
    """A comparison with its p after Holm's adjustment over the grid.

    Args:
        opponent: the method that this one was compared with.
        comparison: this method minus the opponent.
        p: the adjusted p-value.
        metric: how the measure is shown and read.
        contradicted: the means over all runs of the two, which the table shows, say the opposite of the comparison,
            which is on the seeds that both have.
    """

    opponent: str
    comparison: Comparison
    p: float
    metric: Metric
    contradicted: bool

    @property
    def significant(self) -> bool:
        return self.p < SIGNIFICANCE and not self.contradicted

    @property
    def gain(self) -> float:
        """The difference, positive if this method is better."""
        return self.metric.sign * self.comparison.difference.mean


@dataclass
class Line:
    """One method on one task and model.

    Args:
        method: name of the method in the grid.
        runs: seed -> its result.
        wanted: the number of runs that the grid asks for.
        estimates: by name of the measure; a measure that the task does not have is missing.
        curve: epsilon -> mean of the robustness curve there.
        plain: by name of the measure: the comparison with plain fine-tuning.
        best: by name of the measure: the comparison with the best other method.
    """

    method: str
    runs: Mapping[int, RunResult]
    wanted: int
    estimates: dict[str, Estimate] = field(default_factory=dict)
    curve: dict[float, Estimate] = field(default_factory=dict)
    plain: dict[str, Verdict] = field(default_factory=dict)
    best: dict[str, Verdict] = field(default_factory=dict)

    @property
    def collapsed(self) -> int:
        """The number of runs that collapsed to a constant prediction."""
        return sum(collapsed(run) for run in self.runs.values())

    @property
    def learned(self) -> bool:
        """Whether at least half of the runs did not collapse."""
        return 2 * self.collapsed <= len(self.runs)

    @property
    def seeds(self) -> str:
        """The number of runs; with the number wanted if some are missing ("3/5")."""
        done = len(self.runs)
        return str(done) if done == self.wanted else f"{done}/{self.wanted}"

    def cost(self, key: str) -> float:
        """Mean of one part of the cost over the seeds; NaN where no seed has it."""
        values = [float(value) for run in self.runs.values() if (value := getattr(run.cost, key)) is not None]
        return sum(values) / len(values) if values else float("nan")


@dataclass
class Table:
    """The methods on one task and model, and their measures; methods without any result are left out."""

    task: str
    model: str
    metric: str
    measures: list[Measure]
    lines: list[Line]

    @property
    def complete(self) -> bool:
        """Whether no run is missing."""
        return all(len(line.runs) == line.wanted for line in self.lines)

    def line(self, method: str) -> Line | None:
        return next((line for line in self.lines if line.method == method), None)

    def measure(self, name: str) -> Measure | None:
        """The table's own measure of this name: another table's may be the mean over other attacks or data sets."""
        return next((measure for measure in self.measures if measure.name == name), None)


def summarise(
    slots: Iterable[ResultSlot],
    plain: str | None = "plain",
    choose_measures: Callable[[Sequence[RunResult]], list[Measure]] = measures_of,
) -> list[Table]:
    """The tables of all tasks and models that have a result.

    Args:
        slots: every run that was asked for, missing ones included; of a live grid `ResultsFile.slots(grid.cells)`, of a
            results file `latest_slots(path)`.
        plain: the name of plain fine-tuning among the methods; None if it is not among them.
        choose_measures: gives the measures of a table, from all its runs.
    """
    lines_by_table: dict[tuple[str, str], dict[str, Line]] = {}
    for slot in slots:
        lines_by_method = lines_by_table.setdefault((slot.task, slot.model), {})
        line = lines_by_method.get(slot.method, Line(slot.method, {}, 0))
        runs = line.runs if slot.result is None else {**line.runs, slot.seed: slot.result}
        lines_by_method[slot.method] = Line(slot.method, runs, line.wanted + 1)
    tables = []
    for (task, model), lines_by_method in lines_by_table.items():
        lines = [line for line in lines_by_method.values() if line.runs]
        if not lines:
            continue
        all_runs = [run for line in lines for run in line.runs.values()]
        tables.append(Table(task, model, all_runs[0].metric, choose_measures(all_runs), lines))
        for line in lines:
            _estimate(line, tables[-1].measures)
    _judge(tables, lambda table, *_: table.line(plain or ""), lambda line: line.plain)
    _judge(tables, _best_other, lambda line: line.best)
    return tables


def all_measures(tables: Iterable[Table]) -> list[Measure]:
    """The measures of all tables together."""
    return list({measure.name: measure for table in tables for measure in table.measures}.values())


def _estimate(line: Line, measures: list[Measure]) -> None:
    for measure in measures:
        values = [measure.value(run) for run in line.runs.values()]
        if all(value is not None for value in values):
            line.estimates[measure.name] = estimate([float(value) for value in values if value is not None])
    robustness = [run.robustness for run in line.runs.values()]
    curves = [dict(zip(curve.epsilons, curve.values, strict=True)) for curve in robustness]
    for epsilon in sorted(set.intersection(*(set(curve) for curve in curves))):
        line.curve[epsilon] = estimate([curve[epsilon] for curve in curves])


def _has(line: Line, measure: Measure) -> bool:
    return line.learned and measure.name in line.estimates


def _best_other(table: Table, line: Line, measure: Measure) -> Line | None:
    candidates = [candidate for candidate in table.lines if candidate is not line and _has(candidate, measure)]
    return max(candidates, key=lambda line: measure.metric.sign * line.estimates[measure.name].mean, default=None)


def _judge(
    tables: Sequence[Table],
    opponent_of: Callable[[Table, Line, Measure], Line | None],
    verdicts_of: Callable[[Line], dict[str, Verdict]],
) -> None:
    """Fill the verdicts of the methods that learned against their opponents, adjusted over all of one measure."""
    for name in [measure.name for measure in all_measures(tables)]:
        comparisons: list[tuple[Line, Line, Measure, Comparison]] = []
        for table in tables:
            measure = table.measure(name)
            if measure is None:
                continue
            for line in (line for line in table.lines if _has(line, measure)):
                opponent = opponent_of(table, line, measure)
                if opponent is not None and opponent is not line and _has(opponent, measure):
                    comparison = _compare(line, opponent, measure)
                    if comparison is not None:
                        comparisons.append((line, opponent, measure, comparison))
        adjusted = holm([comparison.p for *_, comparison in comparisons])
        for (line, opponent, measure, comparison), p in zip(comparisons, adjusted, strict=True):
            shown = line.estimates[name].mean - opponent.estimates[name].mean
            contradicted = shown * comparison.difference.mean < 0
            verdicts_of(line)[name] = Verdict(opponent.method, comparison, p, measure.metric, contradicted)


def _compare(line: Line, opponent: Line, measure: Measure) -> Comparison | None:
    """Compare on the seeds that both have; also example by example, if both recorded the same examples."""
    seeds = [seed for seed in line.runs if seed in opponent.runs]
    if not seeds:
        return None
    pair = (line, opponent)
    values, opponent_values = ([measure.number(side.runs[seed]) for seed in seeds] for side in pair)
    scores = [measure.scores(side.runs[seed]) for side in pair for seed in seeds]
    recorded = [array for array in scores if array is not None]
    if len(recorded) < len(scores) or len({array.shape for array in recorded}) > 1:
        return compare_paired(values, opponent_values)
    return compare_paired(values, opponent_values, np.stack(recorded[: len(seeds)]), np.stack(recorded[len(seeds) :]))


def rank_values(tables: Sequence[Table], measure: Measure) -> tuple[list[str], list[list[float]]]:
    """The methods, and the values that rank them (more is better), for each table in which every method has a result.

    Methods that did not learn share the last place.
    """
    methods = list(dict.fromkeys(line.method for table in tables for line in table.lines))
    values = []
    for table in tables:
        lines = [line for method in methods if (line := table.line(method)) and measure.name in line.estimates]
        if len(lines) == len(methods):
            means = [measure.metric.sign * line.estimates[measure.name].mean for line in lines]
            values.append([mean if line.learned else -math.inf for mean, line in zip(means, lines, strict=True)])
    return methods, values


def ranks(tables: Sequence[Table], measure: Measure) -> tuple[dict[str, float], int]:
    """Mean rank of each method by a measure (1 is best), and the number of tables that it is the mean over."""
    methods, values = rank_values(tables, measure)
    return (dict(zip(methods, average_ranks(values), strict=True)) if values else {}), len(values)


def mark(line: Line, measure: str) -> str:
    """Return "▲" if the method is significantly better than plain, "▼" if worse; else empty."""
    verdict = line.plain.get(measure)
    if verdict is None or not verdict.significant:
        return ""
    return "▲" if verdict.gain > 0 else "▼"


def leads(line: Line, measure: str) -> bool:
    """Whether the method is significantly better than the best other method."""
    verdict = line.best.get(measure)
    return verdict is not None and verdict.significant and verdict.gain > 0
