"""What the comparisons say, as tables: ranks, and UEGR's differences to plain and to the best other method."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence

from experiments.number_text import signed
from experiments.standing import Ranking
from uegr.compare.grid_summary import Line, Table, Verdict, all_measures, mark, ranks
from uegr.compare.grid_table import markdown

METHOD = "uegr"
IN_SHORT = ("clean", "robust", "ECE")
"""The measures of the table of differences over all grids."""


def standing(tables: Sequence[Table], overall: Ranking) -> str:
    """Each method over all tasks of a grid: mean ranks, and on how many tasks it is better or worse than plain.

    Args:
        overall: the methods by all measures.
    """
    ranked = _ranked(tables)
    rows = []
    for method in _methods(tables):
        lines = [line for table in tables if (line := table.line(method))]
        row = [method]
        for measure, (mean_ranks, _) in ranked.items():
            row += [_rank(mean_ranks, method), _score(lines, measure)]
        rows.append([*row, _rank(overall.mean_ranks, method)])
    heads = ["method"] + [text for measure in ranked for text in (f"{measure}: rank", "▲ · ▼")] + ["all: rank"]
    counts = ", ".join(f"{measure} over {count}" for measure, (_, count) in ranked.items())
    text = (
        f"Mean rank over the tasks on which every method has a run ({counts}; 1 is best); the number of tasks on which "
        "the method is better ▲ or worse ▼ than plain, of how many; and by all measures together (ranked on each task "
        "by the mean of the ranks; attacks of one kind count once, and the column typos does not count):"
    )
    return f"{textwrap.fill(text, 120, break_on_hyphens=False)}\n\n{markdown(heads, rows)}"


def differences(tables: Sequence[Table]) -> list[str]:
    """UEGR's differences on each task: to plain, and to the best other method."""
    parts, measures = [], [measure.name for measure in all_measures(tables)]
    for kind, opponent in (("plain", "plain"), ("best", "the best other method")):
        rows = []
        for table in tables:
            verdicts = _verdicts(table, kind)
            if verdicts:
                values = [_with_p(verdicts.get(measure)) for measure in measures]
                rows.append([place_of(table, tables), *values])
        if rows:
            parts.append(
                f"{METHOD.upper()} minus {opponent}, in points (ECE: not scaled), with the 95 % interval over the "
                f"seeds\nand p after Holm's correction:\n\n{markdown(['task', *measures], rows)}"
            )
    return parts


def all_differences(grids: Mapping[str, tuple[Sequence[Table], Ranking]]) -> str:
    """Two tables over several grids: UEGR's differences with their intervals, and the mean rank of every method.

    Args:
        grids: title of the grid's section on the page -> its tables, and its methods by all measures.
    """
    rows, overall_ranks = [], {}
    for title, (tables, overall) in grids.items():
        link = f"[{title}](#{_anchor(title)})"
        rows.append([link, *[""] * (len(IN_SHORT) + 2)])
        for table in tables:
            line = table.line(METHOD)
            rows += [] if line is None else [_difference_row(place_of(table, tables), line)]
        overall_ranks[link] = overall.mean_ranks
    heads = ["UEGR minus plain", "seeds", *IN_SHORT, "robust: minus the best other method"]
    methods = list(dict.fromkeys(method for mean_ranks in overall_ranks.values() for method in mean_ranks))
    rank_rows = [
        [link, *(_rank(mean_ranks, method) for method in methods)] for link, mean_ranks in overall_ranks.items()
    ]
    return f"{markdown(heads, rows)}\n\n{markdown(['mean rank', *methods], rank_rows)}"


def summary_table(chosen: Sequence[tuple[str, Table]]) -> str:
    """Plain and UEGR side by side, and the most robust other method, on a few tasks.

    Args:
        chosen: (description of the task and model, its table).
    """
    rows = []
    for description, table in chosen:
        plain, uegr = table.line("plain"), table.line(METHOD)
        if plain is None or uegr is None:
            continue
        row = [description]
        row += [_percent(line, measure) for measure in ("clean", "robust") for line in (plain, uegr)]
        candidates = [line for line in table.lines if line not in (plain, uegr) and line.learned]
        best = max(candidates, key=lambda line: line.estimates["robust"].mean)
        rows.append([*row, f"{best.method} {_percent(best, 'robust')} (clean {_percent(best, 'clean')})"])
    heads = ["task, model", "clean: plain", "clean: UEGR", "robust: plain", "robust: UEGR", "most robust other method"]
    return markdown(heads, rows)


def place_of(table: Table, tables: Sequence[Table]) -> str:
    """The task; with the model if the tables are of several models."""
    return table.task if len({table.model for table in tables}) == 1 else f"{table.task}, {table.model}"


def _percent(line: Line, measure: str) -> str:
    return f"{100 * line.estimates[measure].mean:.1f}"


def _ranked(tables: Sequence[Table]) -> dict[str, tuple[dict[str, float], int]]:
    """Measure -> the mean rank of each method, and the number of tasks."""
    return {measure.name: ranks(list(tables), measure) for measure in all_measures(tables)}


def _difference_row(place: str, line: Line) -> list[str]:
    row = [place, line.seeds]
    row += [f"{_difference(line.plain.get(name))} {mark(line, name)}".rstrip() for name in IN_SHORT]
    best = line.best.get("robust")
    return [*row, _difference(best) + ("" if best is None else f" {best.opponent}")]


def _difference(verdict: Verdict | None) -> str:
    """In points; a dash if the task has no such measure, or a method that collapsed leaves nothing to compare."""
    if verdict is None:
        return "–"
    return signed(verdict.comparison.difference, *verdict.metric.scale)


def _with_p(verdict: Verdict | None) -> str:
    if verdict is None:
        return "–"
    opponent = "" if verdict.opponent == "plain" else f" ({verdict.opponent})"
    p = f" p {verdict.p:.2g}" if verdict.comparison.difference.count > 1 else ""
    text = f"{_difference(verdict)}{p}{opponent}"
    return f"**{text}**" if verdict.significant else text


def _verdicts(table: Table, kind: str) -> Mapping[str, Verdict]:
    line = table.line(METHOD)
    if line is None:
        return {}
    return line.plain if kind == "plain" else line.best


def _methods(tables: Sequence[Table]) -> list[str]:
    return list(dict.fromkeys(line.method for table in tables for line in table.lines))


def _rank(mean_ranks: Mapping[str, float], method: str) -> str:
    return f"{mean_ranks[method]:.1f}" if method in mean_ranks else "–"


def _score(lines: Sequence[Line], measure: str) -> str:
    marks = [mark(line, measure) for line in lines if measure in line.plain]
    return f"{marks.count('▲')} · {marks.count('▼')} of {len(marks)}" if marks else "–"


def _anchor(title: str) -> str:
    """GitHub's anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
