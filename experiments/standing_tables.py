"""The tables of docs/thirteen.md about one grid."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from experiments.measure_groups import TEXT
from experiments.number_text import signed
from experiments.standing import ALL, Ranking, Standing, mean_ranks
from experiments.verdict_tables import METHOD
from uegr.compare.grid_summary import Line, Table, Verdict, all_measures, mark, ranks
from uegr.compare.grid_table import markdown
from uegr.compare.measures import TYPOS, Measure
from uegr.evaluation.statistics import estimate

REGRESSION = "stsb"
"""The task of the main grid whose labels are numbers."""
LITTLE_LEARNED = ("cola", "rte", "boolq")
"""The tasks of which the small models learn next to nothing: a drift to one class looks robust there."""


def state_of_runs(standings: Mapping[str, Standing]) -> str:
    """How many runs of each grid there are."""
    rows = []
    for title, standing in standings.items():
        seeds = sorted({slot.seed for slot in standing.slots if slot.run})
        tasks = len({slot.task for slot in standing.slots if slot.run})
        rows.append([title, f"{standing.done} of {len(standing.slots)}", str(tasks), str(len(seeds))])
    return markdown(["model", "runs", "data sets", "seeds"], rows)


def rank_table(standing: Standing) -> str:
    """Each method's mean rank by each group of measures, its verdicts against plain, collapsed runs and cost."""
    rankings = standing.rankings
    heads = ["method", *(f"{name} ({ranking.tasks})" for name, ranking in rankings.items()), "collapsed", "FLOPs ×"]
    rows = []
    for method in rankings[ALL].ordered:
        lines = standing.lines(method)
        runs = sum(len(line.runs) for line in lines)
        rows.append(
            [
                method,
                *(_rank(name, ranking, method, lines) for name, ranking in rankings.items()),
                f"{sum(line.collapsed for line in lines)} of {runs}",
                f"{sum(line.cost('flop_ratio') for line in lines) / len(lines):.2f}",
            ]
        )
    return markdown(heads, rows)


def _rank(name: str, ranking: Ranking, method: str, lines: list[Line]) -> str:
    text = f"{ranking.mean_ranks[method]:.1f}"
    marks = [mark(line, name) for line in lines]
    better, worse = marks.count("▲"), marks.count("▼")
    return f"{text} ({better} · {worse})" if better or worse else text


def first_place(standing: Standing) -> str:
    """What the first place by all measures depends on: the data sets, and how often the text attacks count."""
    ranking = standing.overall()
    first = ranking.ordered[0]
    decisive: dict[str, list[str]] = {}
    for table in standing.tables:
        decisive.setdefault(standing.overall([table.task]).ordered[0], []).append(table.task)
    decisive.pop(first, None)
    others = [f"{other} is first without {_list(those, 'or')}" for other, those in decisive.items()]
    stays = (
        f"If one of the {ranking.tasks} data sets is left out, {' and '.join(others) or f'{first} is always first'}."
    )
    parts = [f"Mean ranks by all measures, the first two: {_first_two(ranking)}.", stays]
    learned = standing.overall(LITTLE_LEARNED)
    parts.append(f"Without {_list(LITTLE_LEARNED, 'and')}: {_first_two(learned)}.")
    if set(standing.rankings) & set(TEXT):
        once, singly = standing.overall(count_once=TEXT), standing.overall(count_once={})
        parts.append(f"If all text attacks count once: {_first_two(once)}.")
        parts.append(f"If synonyms, letter tricks and typing errors count one by one: {_first_two(singly)}.")
    return " ".join(parts)


def _list(names: Sequence[str], conjunction: str) -> str:
    *most, last = names
    return f"{', '.join(most)} {conjunction} {last}" if most else last


def _first_two(ranking: Ranking) -> str:
    return ", ".join(f"{method} {ranking.mean_ranks[method]:.2f}" for method in ranking.ordered[:2])


def differences_to_plain(tables: Sequence[Table], single_tables: Sequence[Table]) -> str:
    """UEGR minus plain: the mean over the data sets with its 95 % interval, and the data sets where it is better or
    worse beyond the interval over the seeds; see `_verdicts`."""
    rows = []
    for measure, verdicts in _verdicts(tables, single_tables):
        better = [task for task, verdict in verdicts.items() if _beyond_interval(verdict, 1)]
        worse = [task for task, verdict in verdicts.items() if _beyond_interval(verdict, -1)]
        count, difference = str(len(verdicts)), _mean_difference(measure, verdicts)
        rows.append([measure.name, count, difference, ", ".join(better) or "–", ", ".join(worse) or "–"])
    return markdown(["measure", "data sets", f"{METHOD} minus plain", "better on", "worse on"], rows)


def in_short(title: str, standing: Standing, single_tables: Sequence[Table]) -> str:
    """UEGR's places, its differences to plain and the first methods, as an item of a list."""
    rankings = standing.rankings
    places = ", ".join(f"{name} {ranking.ordered.index(METHOD) + 1}" for name, ranking in rankings.items())
    differences = ", ".join(
        f"{measure.name} {_mean_difference(measure, verdicts)}"
        for measure, verdicts in _verdicts(standing.tables, single_tables)
    )
    text = (
        f"- **{title}, {rankings[ALL].tasks} data sets.** Place of {METHOD} by mean rank among "
        f"{len(rankings[ALL].ordered)} methods: {places}. {METHOD} minus plain: {differences}. {first_place(standing)}"
    )
    return textwrap.fill(text, 120, subsequent_indent="  ", break_on_hyphens=False)


def _verdicts(tables: Sequence[Table], single_tables: Sequence[Table]) -> list[tuple[Measure, Mapping[str, Verdict]]]:
    """UEGR against plain by each measure: its verdict on each data set.

    Args:
        tables: with groups of measures.
        single_tables: with single measures, of which the random typing errors are taken: they are in no group, because
            they are measured on all test texts.
    """
    measures = [(tables, measure) for measure in all_measures(tables)]
    measures += [(single_tables, measure) for measure in all_measures(single_tables) if measure.name == TYPOS.name]
    verdicts = [
        (
            measure,
            {
                table.task: line.plain[measure.name]
                for table in of_measure
                if (line := table.line(METHOD)) and measure.name in line.plain
            },
        )
        for of_measure, measure in measures
    ]
    return [(measure, of_tasks) for measure, of_tasks in verdicts if of_tasks]


def _mean_difference(measure: Measure, verdicts: Mapping[str, Verdict]) -> str:
    mean = estimate([verdict.comparison.difference.mean for verdict in verdicts.values()])
    return signed(mean, *measure.metric.scale)


def advice(standing: Standing) -> str:
    """For each group of measures the first method, those that do not differ significantly from it, UEGR's place, and
    whether the methods differ at all."""
    rows = []
    for name, ranking in standing.rankings.items():
        first, *others = ranking.not_different()[0]
        place = f"{ranking.ordered.index(METHOD) + 1} of {len(ranking.ordered)}"
        rows.append([name, first, ", ".join(others) or "–", place, f"{standing.adjusted_p[name]:.2g}"])
    return markdown(["by", "first", "no significant difference to it", f"place of {METHOD}", "Friedman p"], rows)


def advice_record() -> dict[str, Any]:
    """The first methods by each group of measures, and in regression, as `uegr methods` reads them."""
    main, thirteen = Standing.of_grid("main"), Standing.of_grid("thirteen")
    seeds = len({slot.seed for slot in thirteen.slots if slot.run})
    comparisons = [
        _comparison(main, "tuned, uegr with views=adversarial", main.rankings),
        _comparison(
            thirteen, f"untuned, {seeds} seed{'s' * (seeds > 1)}", ("synonyms", "letter tricks", "typing errors")
        ),
    ]
    regression = next(table for table in main.tables if table.task == REGRESSION)
    ranks_there = mean_ranks(regression)
    first = min(ranks_there, key=lambda method: ranks_there[method])
    return {"comparisons": comparisons, "regression": {"task": REGRESSION, "first": first}}


def _has_groups(table: Table, groups: Iterable[str]) -> bool:
    """Whether every method has a run on the task, and at least one of the groups has values there."""
    values = [ranks([table], measure)[0] for measure in table.measures if measure.name in groups]
    return any(values) and all(line.runs for line in table.lines)


def _comparison(standing: Standing, settings: str, groups: Iterable[str]) -> dict[str, Any]:
    return {
        "tasks": [table.task for table in standing.tables if _has_groups(table, groups)],
        "model": standing.tables[0].model,
        "settings": settings,
        "purposes": {name: standing.rankings[name].not_different()[0] for name in groups},
    }


def _beyond_interval(verdict: Verdict, sign: int) -> bool:
    """Whether the interval over the seeds lies on one side: the method is better (sign 1) or worse (-1)."""
    difference = verdict.comparison.difference
    ends = (verdict.metric.sign * difference.low, verdict.metric.sign * difference.high)
    return sign * min(ends, key=lambda end: sign * end) > 0
