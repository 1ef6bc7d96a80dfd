"""Accuracy under changed text: typing errors, character attacks, word substitution."""

from __future__ import annotations

from collections.abc import Sequence

from uegr.report.figures.bars import bar_rows, bars, in_words
from uegr.report.figures.chart import Chart
from uegr.report.run_groups import Group, first_shown, wilson


def text_attack_chart(groups: Sequence[Group]) -> Chart | None:
    """Accuracy on clean text and under each attack on the text: one bar a group; None for other kinds of task."""
    lengths: dict[str, dict[str, float]] = {}
    intervals: dict[str, dict[str, tuple[float, float]]] = {}
    tried: dict[str, set[int]] = {}
    queries: dict[str, dict[str, float]] = {}

    def add(attack: str, group: Group, share: float, examples: int | None) -> None:
        lengths.setdefault(attack, {})[group.label] = 100 * share
        low, high = wilson(share, examples)
        intervals.setdefault(attack, {})[group.label] = (100 * low, 100 * high)
        if examples:
            tried.setdefault(attack, set()).add(examples)

    for group in groups:
        run = group.first
        for attack, name in {"clean text": "accuracy", "typing errors": "typo_accuracy"}.items():
            if name in run["metrics"]:
                add(attack, group, run["metrics"][name], run.get("test_examples"))
        for one in run.get("text_attacks", ()):
            attack = str(one["attack"]).replace("_", " ")
            add(attack, group, one["accuracy"], one.get("examples"))
            if "queries" in one:
                queries.setdefault(attack, {})[group.label] = one["queries"]
    if not lengths:
        return None
    figure, marks = bars(groups, lengths, "accuracy (%)", intervals=intervals, limit=100)
    headings, rows = bar_rows(groups, lengths)
    if queries:
        headings = [*headings, *(f"passes an example, {group.label}" for group in groups)]
        for row, attack in zip(rows, lengths, strict=True):
            row += [f"{queries[attack][g.label]:.1f}" if g.label in queries.get(attack, {}) else "–" for g in groups]
    told = in_words(groups, lengths)
    return Chart(
        name="text-attacks",
        title="Changed text",
        alt=f"Bars of accuracy by attack. {told}.",
        caption=(
            "Accuracy on clean text, under typing errors, and on the examples each attack was tried on. Lines: 95 % "
            f"Wilson intervals. {_counted(tried)} {first_shown(groups)}"
        ),
        figure=figure,
        headings=headings,
        rows=rows,
        marks=marks,
    )


def _counted(tried: dict[str, set[int]]) -> str:
    """On how many examples each bar stands, in a sentence."""
    counts = ", ".join(f"{attack} {' or '.join(map(str, sorted(numbers)))}" for attack, numbers in tried.items())
    return f"Examples: {counts}." if counts else ""
