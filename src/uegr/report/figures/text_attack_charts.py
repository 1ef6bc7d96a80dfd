"""Accuracy under changed text: typing errors, character attacks, word substitution."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from uegr.report.figures.bar_chart import draw_bars
from uegr.report.figures.chart import Chart
from uegr.report.run_groups import Group, first_shown, wilson
from uegr.runs.result_parts import TextAttackRecord
from uegr.runs.run_result import RunResult
from uegr.runs.text_attack_notes import cosine, percent, similarity_limit, trained_line

MISSPELT, DELETION = "deepwordbug", "deletion"
DELETION_NOTE = (
    "Vertical lines: accuracy under deletion; a model that ignores misspelt words has about the same accuracy under "
    "deepwordbug, and a model that reads them has a much higher one."
)


def charts(groups: Sequence[Group]) -> list[Chart]:
    """Accuracy on clean text and under each attack on the text: one bar per group; only for classifiers."""
    lengths: dict[str, dict[str, float]] = {}
    intervals: dict[str, dict[str, tuple[float, float]]] = {}
    counts: dict[str, set[int]] = {}
    for group in groups:
        for attack, accuracy, examples in _accuracies(group.first):
            low, high = wilson(accuracy, examples)
            lengths.setdefault(attack, {})[group.label] = 100 * accuracy
            intervals.setdefault(attack, {})[group.label] = (100 * low, 100 * high)
            if examples:
                counts.setdefault(attack, set()).add(examples)
    if not lengths:
        return []
    lines = {  # the same search on the same data
        attack: over
        for attack in lengths
        if attack.startswith(DELETION) and (over := attack.replace(DELETION, MISSPELT, 1)) in lengths
    }
    notes = (
        "Accuracy on clean text, under typing errors, and on the attacked examples of each attack. Lines: 95 % Wilson "
        "intervals.",
        DELETION_NOTE if lines else "",
        trained_line({group.label: _trained_on(group.first) for group in groups}),
        _counts_in_words(counts),
        _untouched_in_words(groups),
        first_shown(groups),
    )
    chart = draw_bars(
        groups,
        lengths,
        "accuracy (%)",
        name="text-attacks",
        title="Changed text",
        alt="Bars of accuracy by attack.",
        caption=" ".join(filter(None, notes)),
        intervals=intervals,
        lines=lines,
        limit=100,
    )
    return [_with_details(chart, groups, list(lengths))]


def _accuracies(run: RunResult) -> Iterator[tuple[str, float, int | None]]:
    """Yield what was done to the texts, the accuracy after it, and the number of examples."""
    for title, metric in {"clean text": "accuracy", f"typing errors{run.at_typo_rate}": "typo_accuracy"}.items():
        if metric in run.metrics:
            yield title, run.metrics[metric], run.test_examples
    for result in run.text_attacks:
        yield result.title, result.accuracy, result.examples


def _trained_on(run: RunResult) -> list[str]:
    """What was done to the texts that the training had done, too."""
    typos = [f"typing errors{run.at_typo_rate}"] if run.typo_mark and "typo_accuracy" in run.metrics else []
    return typos + [result.title for result in run.text_attacks if result.mark]


DETAILS: dict[str, Callable[[TextAttackRecord], str]] = {
    "passes per example": lambda attack: "–" if attack.queries is None else f"{attack.queries:.1f}",
    "words changed %": lambda attack: percent(attack.words_changed),
    "cosine to the text before (its limit)": lambda attack: cosine(attack.similarity) + similarity_limit(attack),
}
"""Further columns of the table, each where it was measured on any run."""


def _with_details(chart: Chart, groups: Sequence[Group], attacks: Sequence[str]) -> Chart:
    """Return the chart with how the attacks went as further columns of its table."""
    headings, rows = list(chart.headings), [list(row) for row in chart.rows]
    for name, cell in DETAILS.items():
        columns = [{attack.title: cell(attack) for attack in group.first.text_attacks} for group in groups]
        if all(text == "–" for column in columns for text in column.values()):
            continue
        headings += [f"{name}, {group.label}" for group in groups]
        for row, attack in zip(rows, attacks, strict=True):
            row += [column.get(attack, "–") for column in columns]
    return replace(chart, headings=headings, rows=rows)


def _counts_in_words(counts: dict[str, set[int]]) -> str:
    """Return a sentence with the number of examples of each bar."""
    words = ", ".join(f"{attack} {' or '.join(map(str, sorted(numbers)))}" for attack, numbers in counts.items())
    return f"Examples: {words}." if words else ""


def _untouched_in_words(groups: Sequence[Group]) -> str:
    """Return a sentence with the number of texts that each attack could not change; empty for none."""
    numbers: dict[str, set[int]] = {}
    for attack in (attack for group in groups for attack in group.first.text_attacks if attack.untouched):
        numbers.setdefault(attack.title, set()).add(attack.untouched or 0)
    words = ", ".join(f"{title} {' or '.join(map(str, sorted(counts)))}" for title, counts in numbers.items())
    return f"Texts that an attack could not change, which count as right: {words}." if words else ""
