"""Accuracy under changed text: typing errors, character attacks, word substitution."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from uegr.report.figures.bar_chart import draw_bars
from uegr.report.figures.chart import Chart
from uegr.report.run_groups import Group, first_shown, wilson
from uegr.runs.run_result import RunResult


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
    chart = draw_bars(
        groups,
        lengths,
        "accuracy (%)",
        name="text-attacks",
        title="Changed text",
        alt="Bars of accuracy by attack.",
        caption=(
            "Accuracy on clean text, under typing errors, and on the attacked examples of each attack. Lines: 95 % "
            f"Wilson intervals. {_counts_in_words(counts)} {_untouched_in_words(groups)}{first_shown(groups)}"
        ),
        intervals=intervals,
        limit=100,
    )
    return [_with_queries(chart, groups, list(lengths))]


def _accuracies(run: RunResult) -> Iterator[tuple[str, float, int | None]]:
    """Yield what was done to the texts, the accuracy after it, and the number of examples."""
    for title, metric in {"clean text": "accuracy", f"typing errors{run.at_typo_rate}": "typo_accuracy"}.items():
        if metric in run.metrics:
            yield title, run.metrics[metric], run.test_examples
    for result in run.text_attacks:
        yield result.title, result.accuracy, result.examples


def _with_queries(chart: Chart, groups: Sequence[Group], attacks: Sequence[str]) -> Chart:
    """Return the chart with the queries per example as further columns of its table, where they were counted."""
    queries = [
        {result.title: f"{result.queries:.1f}" for result in group.first.text_attacks if result.queries is not None}
        for group in groups
    ]
    if not any(queries):
        return chart
    headings = [f"passes per example, {group.label}" for group in groups]
    rows = [
        [*row, *(by_attack.get(attack, "–") for by_attack in queries)]
        for row, attack in zip(chart.rows, attacks, strict=True)
    ]
    return replace(chart, headings=[*chart.headings, *headings], rows=rows)


def _counts_in_words(counts: dict[str, set[int]]) -> str:
    """Return a sentence with the number of examples of each bar."""
    words = ", ".join(f"{attack} {' or '.join(map(str, sorted(numbers)))}" for attack, numbers in counts.items())
    return f"Examples: {words}." if words else ""


def _untouched_in_words(groups: Sequence[Group]) -> str:
    """Return a sentence, and a space, with the number of texts that each attack could not change; empty for none."""
    numbers: dict[str, set[int]] = {}
    for attack in (attack for group in groups for attack in group.first.text_attacks if attack.untouched):
        numbers.setdefault(attack.title, set()).add(attack.untouched or 0)
    words = ", ".join(f"{title} {' or '.join(map(str, sorted(counts)))}" for title, counts in numbers.items())
    return f"Texts that an attack could not change, which count as right: {words}. " if words else ""
