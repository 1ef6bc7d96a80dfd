"""The first table of the page: one row per measure, with the reference, the other groups, and the differences."""

import textwrap
from collections.abc import Sequence
from math import isnan

from uegr.report.figures.bar_chart import draw_bars
from uegr.report.figures.chart import Chart
from uegr.report.figures.style import styled
from uegr.report.group_difference import Difference, difference_between, group_interval
from uegr.report.run_groups import Group
from uegr.report.table_measures import RIGHT, TableMeasure, mean_value
from uegr.runs.evaluation_notes import length_line
from uegr.runs.text_attack_notes import MARK_NOTE, trained_line

NO_BREAK = "\u00a0"
"""A space at which a line does not end."""
NOTE = (
    "Numbers without a unit are right answers in percent of the texts. In brackets: the 95 % interval of the "
    "difference. Where it holds 0, a difference is not shown: it may be chance. Each interval is of its row alone."
)
ONE_GROUP_NOTE = "Numbers without a unit are right answers in percent of the texts, with their 95 % intervals."
EMBEDDINGS_NOTE = (
    "Embeddings are the numbers that a model reads instead of words; an attacker moves them a little, and the "
    "row is the mean over several strengths."
)
CALIBRATION_NOTE = "Calibration error: by how many points the model's confidence is off on average."


def number(measure: TableMeasure, value: float) -> str:
    """Return a value or an end of its interval as text."""
    if isnan(value):
        return "–"
    return f"{100 * value:.1f}" if measure.metric.percent else f"{value:.3g}"


def difference_in_words(measure: TableMeasure, difference: Difference | None) -> str:
    """Return a difference with its interval."""
    if difference is None:
        return "–"
    if isnan(difference.low):
        return _signed(measure, difference.value)
    return f"{_signed(measure, difference.value)} {interval_in_words(measure, difference)}"


def interval_in_words(measure: TableMeasure, difference: Difference) -> str:
    """Return the interval of a difference in brackets, which no line break divides."""
    return f"[{_signed(measure, difference.low)},{NO_BREAK}{_signed(measure, difference.high)}]"


def table_rows(
    groups: Sequence[Group], reference: Group, measures: Sequence[TableMeasure]
) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows: the reference, then each other group with its difference; one group with intervals."""
    others = [group for group in groups if group is not reference]
    if not others:
        return ["", reference.label, "interval"], [
            [measure.title, _mean_of(reference, measure), _interval(reference, measure)] for measure in measures
        ]
    headings = ["", reference.label]
    for other in others:
        headings += [other.label, "difference" if len(others) == 1 else f"{other.label}: difference"]
    rows = []
    for measure in measures:
        row = [measure.title, _mean_of(reference, measure)]
        for other in others:
            difference = difference_between(other, reference, measure)
            lines = [difference_in_words(measure, difference)]
            if difference is not None:
                lines.append(difference.judgement)
                if difference.on_seeds:
                    own, against = (number(measure, mean) for mean in difference.means)
                    lines.append(f"{difference.on_seeds}:\n{own} against {against}")
            row += [_mean_of(other, measure), "\n".join(lines)]
        rows.append(row)
    return headings, rows


def table_note(groups: Sequence[Group], measures: Sequence[TableMeasure]) -> str:
    """Return how to read the table."""
    names = " ".join(measure.name for measure in measures)
    notes = [NOTE if len(groups) > 1 else ONE_GROUP_NOTE]
    notes += [EMBEDDINGS_NOTE] if "embeddings" in names else []
    notes += [CALIBRATION_NOTE] if "calibration" in names else []
    notes += [MARK_NOTE] if any(measure.mark_of(group.runs) for measure in measures for group in groups) else []
    return " ".join([*notes, *_length_notes(groups)])


def _length_notes(groups: Sequence[Group]) -> list[str]:
    """What the lengths of the texts alone tell, with the groups for which it is so where others have other data."""
    labels: dict[str, list[str]] = {}
    for group in groups:
        labels.setdefault(length_line(group.first), []).append(group.label)
    if len(labels) == 1:
        return [line[:1].upper() + line[1:] for line in labels if line]
    return [f"{', '.join(named)}: {line}" for line, named in labels.items() if line]


def first_chart(groups: Sequence[Group], measures: Sequence[TableMeasure]) -> Chart | None:
    """Return the rows that are right answers as bars; None where there are none."""
    lengths: dict[str, dict[str, float]] = {}
    intervals: dict[str, dict[str, tuple[float, float]]] = {}
    for measure in measures:
        if measure.metric != RIGHT:
            continue
        short = _two_lines(measure.name)
        item = measure.name if short in lengths else short
        for group in groups:
            value = mean_value(measure, group.runs)
            if isnan(value):
                continue
            lengths.setdefault(item, {})[group.label] = 100 * value
            low, high = group_interval(group, measure)
            if not isnan(low):
                intervals.setdefault(item, {})[group.label] = (100 * low, 100 * high)
    if not lengths:
        return None
    trained_on = {
        group.label: [f"“{measure.name}”" for measure in measures if measure.mark_of(group.runs)] for group in groups
    }
    with styled():
        return draw_bars(
            groups,
            lengths,
            "right answers (%)",
            name="right-answers",
            title="Right answers",
            alt="Bars of the share of right answers, by what was done to the texts.",
            caption=f"Longer is better. Lines: 95 % intervals of each bar. {trained_line(trained_on)}".rstrip(),
            intervals=intervals,
            limit=100,
        )


def _two_lines(name: str) -> str:
    """Break a long name near its middle: the figure has room for two lines."""
    width = max(18, min(30, len(name) // 2 + 4))
    return "\n".join(textwrap.wrap(name, width, max_lines=2, placeholder="…"))


def _mean_of(group: Group, measure: TableMeasure) -> str:
    return number(measure, mean_value(measure, group.runs)) + measure.mark_of(group.runs)


def _interval(group: Group, measure: TableMeasure) -> str:
    low, high = group_interval(group, measure)
    return "–" if isnan(low) else f"[{number(measure, low)}, {number(measure, high)}]"


def _signed(measure: TableMeasure, value: float) -> str:
    return f"{100 * value:+.1f}" if measure.metric.percent else f"{value:+.3g}"
