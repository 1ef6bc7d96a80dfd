"""What the comparisons say, as tables: ranks, and UEGR's differences to plain and to the best of the others."""

from __future__ import annotations

import re
import statistics
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.document import signed
from uegr.compare.grid_summary import Line, Table, Verdict, all_measures, mark, ranks
from uegr.compare.grid_table import markdown
from uegr.compare.measures import shown

METHOD = "uegr"
IN_SHORT = ("clean", "robust", "ECE")
"""The measures of the short table."""


def standing(tables: Sequence[Table]) -> str:
    """Each method over all tasks of a grid: mean ranks, and how often it is better or worse than plain."""
    ranked = _ranked(tables)
    overall = _overall(ranked)
    rows = []
    for method in _methods(tables):
        lines = [line for table in tables if (line := table.line(method))]
        row = [method]
        for name, (found, _) in ranked.items():
            row += [_rank(found, method), _score(lines, name)]
        rows.append([*row, _rank(overall, method)])
    heads = ["method"] + [text for name in ranked for text in (f"{name}: rank", "▲ · ▼")] + ["all: rank"]
    counts = ", ".join(f"{name} over {count}" for name, (_, count) in ranked.items())
    text = (
        f"Mean rank over the tasks on which every method has a run ({counts}; 1 is best), on how many tasks the method "
        "is better ▲ or worse ▼ than plain, of how many, and the mean of its ranks by all measures:"
    )
    return f"{textwrap.fill(text, 120, break_on_hyphens=False)}\n\n{markdown(heads, rows)}"


def against(tables: Sequence[Table]) -> list[str]:
    """Differences of UEGR, task by task: to plain, and to the best of the others."""
    parts, names = [], [measure.name for measure in all_measures(tables)]
    for kind, other in (("plain", "plain"), ("best", "the best other method")):
        rows = []
        for table in tables:
            verdicts = _verdicts(table, kind)
            if verdicts:
                rows.append([_place(table, tables), *(_with_p(name, verdicts.get(name)) for name in names)])
        if rows:
            parts.append(
                f"{METHOD.upper()} minus {other}, in points (ECE: as it is), with the 95 % interval over the seeds "
                f"and p after Holm:\n\n{markdown(['task', *names], rows)}"
            )
    return parts


def in_short(grids: Mapping[str, Sequence[Table]], document: Path) -> str:
    """Two tables over several grids: UEGR's differences with their intervals, and every method's mean rank.

    Args:
        grids: title of the section in `document` -> its tables.
        document: where the whole of it is.
    """
    rows, ranked = [], {}
    for title, tables in grids.items():
        link = f"[{title}]({document}#{_anchor(title)})"
        rows.append([link, *[""] * (len(IN_SHORT) + 2)])
        for table in tables:
            line = table.line(METHOD)
            rows += [] if line is None else [_short_row(_place(table, tables), line)]
        ranked[link] = _overall(_ranked(tables))
    heads = ["UEGR minus plain", "seeds", *IN_SHORT, "robust: minus the best of the others"]
    methods = list(dict.fromkeys(method for found in ranked.values() for method in found))
    places = [[link, *(_rank(found, method) for method in methods)] for link, found in ranked.items()]
    return f"{markdown(heads, rows)}\n\n{markdown(['mean rank', *methods], places)}"


def _ranked(tables: Sequence[Table]) -> dict[str, tuple[dict[str, float], int]]:
    """Measure -> the mean rank of each method, and over how many tasks."""
    return {measure.name: ranks(list(tables), measure) for measure in all_measures(tables)}


def _overall(ranked: Mapping[str, tuple[dict[str, float], int]]) -> dict[str, float]:
    """Method -> the mean of its ranks by all measures."""
    found = [one for one, _ in ranked.values()]
    methods = dict.fromkeys(method for one in found for method in one)
    return {method: statistics.mean(one[method] for one in found if method in one) for method in methods}


def _short_row(place: str, line: Line) -> list[str]:
    row = [place, line.seeds]
    row += [f"{_difference(name, line.plain.get(name))} {mark(line, name)}".rstrip() for name in IN_SHORT]
    best = line.best.get("robust")
    return [*row, _difference("robust", best) + ("" if best is None else f" {best.other}")]


def _difference(measure: str, verdict: Verdict | None) -> str:
    """In points; a dash where a task has no such measure, or one answer to everything leaves nothing to compare."""
    if verdict is None:
        return "–"
    return signed(verdict.comparison.difference, *shown(measure))


def _with_p(measure: str, verdict: Verdict | None) -> str:
    if verdict is None:
        return "–"
    other = "" if verdict.other == "plain" else f" ({verdict.other})"
    p = f" p {verdict.p:.2g}" if verdict.comparison.difference.count > 1 else ""
    text = f"{_difference(measure, verdict)}{p}{other}"
    return f"**{text}**" if verdict.significant else text


def _verdicts(table: Table, kind: str) -> Mapping[str, Verdict]:
    line = table.line(METHOD)
    if line is None:
        return {}
    return line.plain if kind == "plain" else line.best


def _methods(tables: Sequence[Table]) -> list[str]:
    return list(dict.fromkeys(line.method for table in tables for line in table.lines))


def _rank(found: Mapping[str, float], method: str) -> str:
    return f"{found[method]:.1f}" if method in found else "–"


def _score(lines: Sequence[Line], measure: str) -> str:
    marks = [mark(line, measure) for line in lines if measure in line.plain]
    return f"{marks.count('▲')} · {marks.count('▼')} of {len(marks)}" if marks else "–"


def _place(table: Table, tables: Sequence[Table]) -> str:
    return table.task if len({one.model for one in tables}) == 1 else f"{table.task}, {table.model}"


def _anchor(title: str) -> str:
    """GitHub's name for the place of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
