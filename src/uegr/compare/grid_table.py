"""A grid's summary as text: one table per task and model, for the terminal and for Markdown."""

from collections.abc import Callable, Sequence
from functools import partial

from uegr.compare.grid_summary import SIGNIFICANCE, Line, Table, leads, mark
from uegr.compare.measures import CLEAN, ECE, MEASURES, ROBUST, TYPOS, Measure
from uegr.modeling.metrics import metric_title
from uegr.runs.run_table import multiple
from uegr.runs.text_attack_groups import attack_heading
from uegr.runs.text_attack_notes import changes_line, trained_line
from uegr.runs.wide_table import WideTable


def headings(table: Table, curve: bool = True) -> list[str]:
    """The headings of the columns; with `curve`, each epsilon has its own column."""
    return [heading for heading, _ in _columns(table, curve)]


def cells(table: Table, line: Line, curve: bool = True) -> list[str]:
    """The cells of one method's row; a value better than the best other method's is wrapped in asterisks."""
    return [cell_of(line) for _, cell_of in _columns(table, curve)]


def footnote(table: Table) -> str:
    """Notes on test data, on marks where methods lack seeds, on collapsed runs, and on the attacks on the text."""
    notes = (
        _data_note(table),
        _seeds_note(table),
        _collapsed_note(table),
        _untouched_note(table),
        _trained_note(table),
        changes_line([run for line in table.lines for run in line.runs.values()]),
    )
    return " ".join(note for note in notes if note)


def _data_note(table: Table) -> str:
    digests = {run.test_digest for line in table.lines for run in line.runs.values()} - {None}
    return "The runs were measured on different test data, and cannot be compared." if len(digests) > 1 else ""


def _seeds_note(table: Table) -> str:
    verdicts = (verdict for line in table.lines for verdict in (*line.plain.values(), *line.best.values()))
    same_seeds = all(line.runs.keys() == table.lines[0].runs.keys() for line in table.lines)
    if same_seeds or not any(verdict.p < SIGNIFICANCE for verdict in verdicts):
        return ""
    return (
        "The methods do not have the same seeds: ▲ and ▼ compare two methods on the seeds that both have, and are left "
        "out where the means in the table say the opposite."
    )


def _collapsed_note(table: Table) -> str:
    counts = [f"{line.collapsed} of {len(line.runs)} runs of {line.method}" for line in table.lines if line.collapsed]
    if not counts:
        return ""
    return (
        f"These runs give (nearly) the same prediction for every text: {', '.join(counts)}. Such a model has collapsed "
        "to a constant prediction, and is robust for that reason only. If most runs of a method collapsed, it is not "
        "compared with any other, and ranks last."
    )


def _untouched_note(table: Table) -> str:
    """The largest number of texts, over the runs, that each attack could not change."""
    results = [result for line in table.lines for run in line.runs.values() for result in run.text_attacks]
    most: dict[str, tuple[int, int]] = {}
    for result in results:
        if result.untouched and result.examples:
            most[result.attack] = max(most.get(result.attack, (0, 0)), (result.untouched, result.examples))
    if not most:
        return ""
    counts = ", ".join(f"{attack} {count} of {examples}" for attack, (count, examples) in sorted(most.items()))
    return f"Texts that an attack could not change, which count as right: {counts}."


def _trained_note(table: Table) -> str:
    """The methods that were trained on the edits of an attack."""
    attacks = {}
    for line in table.lines:
        runs = line.runs.values()
        marked = {attack_heading(attack.attack) for run in runs for attack in run.text_attacks if attack.mark}
        typos = [TYPOS.name] if TYPOS.name in line.estimates and any(run.typo_mark for run in runs) else []
        attacks[line.method] = [*typos, *sorted(marked)]
    return trained_line(attacks)


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, numbers to the right."""
    ruler = "|---|" + "---:|" * (len(heads) - 1)
    return "\n".join(["| " + " | ".join(heads) + " |", ruler, *("| " + " | ".join(row) + " |" for row in rows)])


def terminal(table: Table) -> WideTable:
    """A table for the terminal, without the columns of the curve."""
    rows = [[text.replace("**", "") for text in cells(table, line, curve=False)] for line in table.lines]
    title, caption = f"{table.task}, {table.model}", footnote(table) or None
    return WideTable(headings(table, curve=False), rows, title, caption)


def _columns(table: Table, curve: bool) -> list[tuple[str, Callable[[Line], str]]]:
    """The heading of each column, and the function that makes a method's cell."""
    further = table.measures[len(MEASURES) :]
    return [
        ("method", lambda line: line.method),
        ("n", lambda line: line.seeds),
        (metric_title(table.metric), partial(_measured, CLEAN)),
        (ROBUST.metric.title, partial(_measured, ROBUST)),
        *((f"PGD {epsilon:g}", partial(_on_curve, epsilon)) for epsilon in (_epsilons(table) if curve else ())),
        *((measure.metric.title, partial(_measured, measure)) for measure in (TYPOS, *further, ECE)),
        ("FLOPs ×", lambda line: multiple(line.cost("flop_ratio"))),
        ("time ×", lambda line: multiple(line.cost("time_ratio"))),
    ]


def _measured(measure: Measure, line: Line) -> str:
    """The mean with half its 95 % interval, and its marks."""
    if measure.name not in line.estimates:
        return "–"
    estimate, (factor, decimals) = line.estimates[measure.name], measure.metric.scale
    half = f" ± {factor * estimate.half:.{decimals}f}" if estimate.count > 1 else ""
    text = measure.metric.text(estimate.mean) + half
    text = f"**{text}**" if leads(line, measure.name) else text
    return f"{text} {mark(line, measure.name)}".rstrip()


def _on_curve(epsilon: float, line: Line) -> str:
    return f"{100 * line.curve[epsilon].mean:.1f}"


def _epsilons(table: Table) -> list[float]:
    shared = set.intersection(*(set(line.curve) for line in table.lines))
    return sorted(epsilon for epsilon in shared if epsilon > 0)
