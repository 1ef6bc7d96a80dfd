"""Accuracy under changed text: typing errors, character attacks, word substitution."""

from collections.abc import Sequence
from dataclasses import replace

from uegr.report.figures.bar_chart import Interval, draw_bars
from uegr.report.figures.chart import Chart
from uegr.report.run_groups import Group, first_shown, wilson


def charts(groups: Sequence[Group]) -> list[Chart]:
    """Accuracy on clean text and under each attack on the text: one bar per group; only for classifiers."""
    lengths: dict[str, dict[str, float]] = {}
    intervals: dict[str, dict[str, Interval]] = {}
    counts: dict[str, set[int]] = {}
    queries: dict[str, dict[str, float]] = {}

    def add(attack: str, group: Group, share: float, examples: int | None) -> None:
        lengths.setdefault(attack, {})[group.label] = 100 * share
        low, high = wilson(share, examples)
        intervals.setdefault(attack, {})[group.label] = (100 * low, 100 * high)
        if examples:
            counts.setdefault(attack, set()).add(examples)

    for group in groups:
        run = group.first
        for title, metric in {"clean text": "accuracy", "typing errors": "typo_accuracy"}.items():
            if metric in run.metrics:
                add(title, group, run.metrics[metric], run.test_examples)
        for result in run.text_attacks:
            attack = result.title
            add(attack, group, result.accuracy, result.examples)
            if result.queries is not None:
                queries.setdefault(attack, {})[group.label] = result.queries
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
            f"Wilson intervals. {_counts_in_words(counts)} {first_shown(groups)}"
        ),
        intervals=intervals,
        limit=100,
    )
    if queries:
        chart = replace(chart, headings=chart.headings + [f"passes per example, {group.label}" for group in groups])
        for row, attack in zip(chart.rows, lengths, strict=True):
            passes = queries.get(attack, {})
            row += [f"{passes[group.label]:.1f}" if group.label in passes else "–" for group in groups]
    return [chart]


def _counts_in_words(counts: dict[str, set[int]]) -> str:
    """Return a sentence with the number of examples of each bar."""
    words = ", ".join(f"{attack} {' or '.join(map(str, sorted(numbers)))}" for attack, numbers in counts.items())
    return f"Examples: {words}." if words else ""
