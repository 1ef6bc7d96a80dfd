"""The verdict: one sentence that says what the page shows, with its interval, in plain words."""

from collections.abc import Sequence
from math import isnan

from uegr.report.first_table import NO_BREAK, difference_in_words, interval_in_words, number
from uegr.report.group_difference import Difference, are_comparable, difference_between, group_interval
from uegr.report.run_groups import Group
from uegr.report.table_measures import EMBEDDINGS, RIGHT, TableMeasure, mean_value, strongest_attack
from uegr.report.weak_slices import weakest_slice
from uegr.runs.result_parts import TRAINED_ON


def verdict_of(groups: Sequence[Group], reference: Group, measures: Sequence[TableMeasure]) -> str:
    """Return a sentence: the groups against the reference, or the accuracy and the weakest slice of a single group."""
    others = [group for group in groups if group is not reference and are_comparable(group, reference)]
    unchanged = measures[0]
    attack = _decisive(measures, [reference, *others])
    if not others:
        return _of_one_group(reference, unchanged, attack)
    if len(others) > 1:
        return _of_many_groups(others, reference, attack or unchanged)
    if attack is None:
        return f"{_capital(_comparison(others[0], reference, unchanged))}; no attack was measured on both."
    first, second = (_comparison(others[0], reference, measure) for measure in (attack, unchanged))
    return f"{_capital(first)}; {second}."


def _decisive(measures: Sequence[TableMeasure], groups: Sequence[Group]) -> TableMeasure | None:
    """The strongest attack on the text that all groups have; where there is none, that on the embeddings."""
    embeddings = (
        measure
        for measure in measures
        if measure.name.startswith(EMBEDDINGS) and not any(isnan(mean_value(measure, group.runs)) for group in groups)
    )
    return strongest_attack(measures, groups) or next(embeddings, None)


def _comparison(group: Group, reference: Group, measure: TableMeasure) -> str:
    difference = difference_between(group, reference, measure)
    place = _place(measure)
    if difference is None:
        return f"{place} the two cannot be compared"
    own, other = (number(measure, mean) for mean in difference.means)
    names = [_named(side, measure) for side in (group, reference)]
    if difference.on_seeds:
        place = f"{place.removesuffix(',')}, {difference.on_seeds},"
    if measure.metric == RIGHT:
        values = f"{names[0]} is right on {own}{NO_BREAK}% of the texts and {names[1]} on {other}{NO_BREAK}%"
    else:
        values = f"{names[0]} reaches {own} and {names[1]} {other} ({measure.metric.title})"
    return f"{place} {values}: {_difference(measure, difference)}"


def _difference(measure: TableMeasure, difference: Difference) -> str:
    more, less = ("points more", "points fewer") if measure.metric.percent else ("more", "less")
    size = f"{number(measure, abs(difference.value))} {more if difference.value >= 0 else less}"
    if isnan(difference.low):
        return f"{size}, without an interval, so a difference is not shown"
    not_shown = ", so a difference is not shown" if difference.judgement == "not shown" else ""
    return f"{size} {interval_in_words(measure, difference)}{not_shown}"


def _of_many_groups(others: Sequence[Group], reference: Group, measure: TableMeasure) -> str:
    reached = _reached(measure, number(measure, mean_value(measure, reference.runs)))
    differences = "; ".join(
        f"{_named(group, measure)} {_short(measure, difference_between(group, reference, measure))}" for group in others
    )
    unit = ", in points" if measure.metric.percent else ""
    of_reference = f"{_capital(_place(measure))} {_named(reference, measure)} {reached}"
    return f"{of_reference}; the others against it{unit}: {differences}."


def _short(measure: TableMeasure, difference: Difference | None) -> str:
    words = difference_in_words(measure, difference)
    if difference is None:
        return words
    return f"{words} ({', '.join(filter(None, (difference.judgement, difference.on_seeds)))})"


def _of_one_group(group: Group, unchanged: TableMeasure, attack: TableMeasure | None) -> str:
    sentence = f"{_capital(_place(unchanged))} {_value(group, unchanged)}"
    if attack is not None:
        sentence += f", and {_place(attack)} {_value(group, attack)}"
    weakest = weakest_slice(group)
    if weakest is not None:
        name, share, examples = weakest
        sentence += (
            f"; of the parts of the data it is weakest on “{name}”: {100 * share:.1f}{NO_BREAK}% of {examples:,} texts"
        )
    return f"{sentence}."


def _value(group: Group, measure: TableMeasure) -> str:
    value, (low, high) = number(measure, mean_value(measure, group.runs)), group_interval(group, measure)
    interval = "" if isnan(low) else f" [{number(measure, low)}, {number(measure, high)}]"
    return f"{_named(group, measure)} {_reached(measure, value, interval)}"


def _named(group: Group, measure: TableMeasure) -> str:
    """The group, and that it was trained on the edits of this measure."""
    return f"{group.label} ({TRAINED_ON})" if measure.mark_of(group.runs) else group.label


def _reached(measure: TableMeasure, value: str, interval: str = "") -> str:
    if measure.metric == RIGHT:
        return f"is right on {value}{NO_BREAK}% of the texts{interval}"
    return f"reaches {value}{interval} ({measure.metric.title})"


def _place(measure: TableMeasure) -> str:
    if measure.attack_key is not None:
        return f"under the strongest measured attack on the text, {measure.name},"
    return f"under {measure.name}" if measure.name.startswith(EMBEDDINGS) else f"on {measure.name}"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
