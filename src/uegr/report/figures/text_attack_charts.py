"""Accuracy under changed text: typing errors, character attacks, word substitution."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from uegr.report.figures.bar_chart import draw_bars
from uegr.report.figures.chart import Chart
from uegr.report.run_groups import Group, first_shown, wilson
from uegr.runs.result_parts import TextAttackRecord
from uegr.runs.run_result import RunResult
from uegr.runs.text_attack_groups import comparison_key, distinct_attacks, distinct_names
from uegr.runs.text_attack_notes import cosine, percent, similarity_limit, trained_line

MISSPELT, DELETION = "deepwordbug", "deletion"
DELETION_NOTE = (
    "Vertical lines: accuracy under deletion; a model that ignores misspelt words has about the same accuracy under "
    "deepwordbug, and a model that reads them has a much higher one."
)


def charts(groups: Sequence[Group]) -> list[Chart]:
    """Accuracy on clean text and under each attack on the text: one bar per group; only for classifiers."""
    attacks = distinct_attacks([group.first for group in groups])
    names = dict(zip(map(comparison_key, attacks), distinct_names(attacks, _title), strict=True))
    lengths: dict[str, dict[str, float]] = {}
    intervals: dict[str, dict[str, tuple[float, float]]] = {}
    counts: dict[str, set[int]] = {}
    for group in groups:
        for attack, accuracy, examples in _accuracies(group.first, names):
            low, high = wilson(accuracy, examples)
            lengths.setdefault(attack, {})[group.label] = 100 * accuracy
            intervals.setdefault(attack, {})[group.label] = (100 * low, 100 * high)
            if examples:
                counts.setdefault(attack, set()).add(examples)
    if not lengths:
        return []
    lines = {
        names[comparison_key(deletion)]: names[comparison_key(misspelt)]
        for deletion in attacks
        for misspelt in attacks
        if _same_search(deletion, misspelt)
    }
    notes = (
        "Accuracy on clean text, under typing errors, and on the attacked examples of each attack. Lines: 95 % Wilson "
        "intervals.",
        DELETION_NOTE if lines else "",
        trained_line({group.label: _trained_on(group.first, names) for group in groups}),
        _counts_in_words(counts),
        _untouched_in_words(groups, names),
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
    return [_with_details(chart, groups, list(lengths), names)]


def _title(attack: TextAttackRecord) -> str:
    return attack.key.replace("_", " ")


def _same_search(deletion: TextAttackRecord, misspelt: TextAttackRecord) -> bool:
    """Whether the two are deletion and deepwordbug in the same search on the same data."""
    if (deletion.attack, misspelt.attack) != (DELETION, MISSPELT):
        return False
    return all(
        of(deletion) == of(misspelt)
        for of in (
            lambda attack: attack.key.removeprefix(attack.attack),
            lambda attack: attack.examples,
            lambda attack: [attack.options.get(name) for name in SEARCH],
        )
    )


def _accuracies(run: RunResult, names: Mapping[str, str]) -> Iterator[tuple[str, float, int | None]]:
    """Yield what was done to the texts, the accuracy after it, and the number of examples."""
    for title, metric in {"clean text": "accuracy", f"typing errors{run.at_typo_rate}": "typo_accuracy"}.items():
        if metric in run.metrics:
            yield title, run.metrics[metric], run.test_examples
    for result in run.text_attacks:
        yield names[comparison_key(result)], result.accuracy, result.examples


def _trained_on(run: RunResult, names: Mapping[str, str]) -> list[str]:
    """What was done to the texts that the training had done, too."""
    typos = [f"typing errors{run.at_typo_rate}"] if run.typo_mark and "typo_accuracy" in run.metrics else []
    return typos + [names[comparison_key(result)] for result in run.text_attacks if result.mark]


SEARCH = ("max_share", "similarity")
"""The options of a greedy search that limit it."""
DETAILS: dict[str, Callable[[TextAttackRecord], str]] = {
    "passes per example": lambda attack: "–" if attack.queries is None else f"{attack.queries:.1f}",
    "words changed %": lambda attack: percent(attack.words_changed),
    "temperature": lambda attack: "–" if attack.temperature is None else f"{attack.temperature:.2f}",
    "cosine to the text before (its limit)": lambda attack: cosine(attack.similarity) + similarity_limit(attack),
}
"""Further columns of the table, each where it was measured on any run."""


def _with_details(chart: Chart, groups: Sequence[Group], attacks: Sequence[str], names: Mapping[str, str]) -> Chart:
    """Return the chart with how the attacks went as further columns of its table."""
    headings, rows = list(chart.headings), [list(row) for row in chart.rows]
    for name, cell in DETAILS.items():
        columns = [
            {names[comparison_key(attack)]: cell(attack) for attack in group.first.text_attacks} for group in groups
        ]
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


def _untouched_in_words(groups: Sequence[Group], names: Mapping[str, str]) -> str:
    """Return a sentence with the number of texts that each attack could not change; empty for none."""
    numbers: dict[str, set[int]] = {}
    for attack in (attack for group in groups for attack in group.first.text_attacks if attack.untouched):
        numbers.setdefault(names[comparison_key(attack)], set()).add(attack.untouched or 0)
    words = ", ".join(f"{title} {' or '.join(map(str, sorted(counts)))}" for title, counts in numbers.items())
    return f"Texts that an attack could not change, which count as right: {words}." if words else ""
