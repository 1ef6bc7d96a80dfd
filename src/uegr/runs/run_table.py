"""The table of several runs, defined by one list of measures: the terminal prints it, the page shows it."""

import math
from collections.abc import Callable, Iterable, Sequence

from uegr.evaluation.area_under_curve import curve_area, shared_range
from uegr.modeling.metrics import METRICS, metric_title
from uegr.runs.result_parts import RobustnessCurve
from uegr.runs.run_result import RunResult
from uegr.runs.text_attack_groups import (
    attack_with_key,
    check_distinct,
    comparison_key,
    distinct_attacks,
    distinct_names,
    heading_of,
)
from uegr.runs.text_attack_notes import changes_line, mark_note, percent
from uegr.runs.wide_table import WideTable

SECONDARY = ("accuracy", "spearman", "mse", "macro_f1", "exact_match", "perplexity", "token_accuracy")
"""Shown beside the published metric, where a run has it."""
MOST_COLUMNS = 4
"""Up to this number of runs are shown as columns, which fit a narrow screen; more are shown as rows."""
Cell = Callable[[RunResult], str]


def cells_by_heading(results: Sequence[RunResult]) -> dict[str, Cell]:
    """Return heading -> text of a run's cell, a dash where the run has no such number.

    The published metrics come first, then the robustness at each epsilon that all runs share, the area under the
    curve, the accuracy under attacks on the text, and the remaining numbers that any run has. Shares are in percent.
    The robustness is that of the runs whose curves can be compared with the first run's.
    """
    epsilons = [result.robustness.epsilons for result in results if _is_comparable(result, results[0])]
    shared = sorted(set.intersection(*map(set, epsilons)) - {0.0})
    start, end = shared_range(epsilons)

    def on_curve(value: Callable[[RobustnessCurve], float]) -> Cell:
        return lambda result: percent(value(result.robustness)) if _is_comparable(result, results[0]) else "–"

    def robust(epsilon: float) -> Cell:
        return on_curve(lambda curve: curve.values[curve.epsilons.index(epsilon)])

    def metric(name: str, title: str) -> Cell:
        def cell(result: RunResult) -> str:
            if name not in result.metrics or _title(name, result) != title:
                return "–"
            text = METRICS[name.removeprefix("typo_")].text(result.metrics[name])
            return text + result.typo_mark if name.startswith("typo_") else text

        return cell

    def columns(names: Iterable[str]) -> list[tuple[str, Cell]]:
        pairs = ((name, _title(name, result)) for name in names for result in results if name in result.metrics)
        return [(title, metric(name, title)) for name, title in dict.fromkeys(pairs)]

    def attacked(key: str) -> Cell:
        def cell(result: RunResult) -> str:
            attack = attack_with_key(result, key)
            return "–" if attack is None else percent(attack.accuracy) + attack.mark

        return cell

    attacks = distinct_attacks(results)
    published = [result.metric for result in results]
    area = f"area, {start:g} to {end:g} %" if 0 < start <= end else "area %"
    cells: list[tuple[str, Cell]] = [
        *columns([*published, *SECONDARY]),
        *((f"PGD {epsilon:g} %", robust(epsilon)) for epsilon in shared),
        (area, on_curve(lambda curve: curve_area(curve.epsilons, curve.values, end, start))),
        *columns([*(f"typo_{name}" for name in METRICS), "ece", "nll"]),
        *(
            (f"{name} %", attacked(comparison_key(attack)))
            for name, attack in zip(distinct_names(attacks, heading_of), attacks, strict=True)
        ),
        ("time ×", lambda result: multiple(result.cost.time_ratio)),
        ("FLOPs ×", lambda result: multiple(result.cost.flop_ratio)),
    ]
    check_distinct([heading for heading, _ in cells])
    return dict(cells)


def headings_and_rows(results: Sequence[RunResult], brief: bool = False) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows: few runs as columns, many as rows. `brief` gives rows the middle epsilon only."""
    cells = cells_by_heading(results)
    labels = [result.label(results) for result in results]
    if len(results) <= MOST_COLUMNS:
        return ["", *labels], [[heading, *(cell(result) for result in results)] for heading, cell in cells.items()]
    if brief:
        curve = [heading for heading in cells if heading.startswith("PGD")]
        areas = [heading for heading in cells if heading.startswith("area")]
        left_out = {*curve, *areas} - {curve[len(curve) // 2] if curve else None}
        cells = {heading: cell for heading, cell in cells.items() if heading not in left_out}
    rows = [[label, *(cell(result) for cell in cells.values())] for label, result in zip(labels, results, strict=True)]
    return ["", *cells], rows


def terminal_table(results: Sequence[RunResult]) -> WideTable:
    """Return the runs as a table for the terminal."""
    headings, rows = headings_and_rows(results, brief=True)
    title = ", ".join(sorted({f"{result.task}, {result.model}" for result in results}))
    curves = " and ".join(dict.fromkeys(result.robustness.metric for result in results)).replace("_", " ")
    caption = f"PGD: {curves} under embedding attack at that epsilon; ×: one step, as a multiple of a plain step"
    if not all(_is_comparable(result, results[0]) for result in results):
        caption += "; runs with another attack on embeddings than the first run have a dash there"
    sizes = {(result.robustness.examples or 0, result.test_examples or 0) for result in results}
    parts = [f"{attacked} of {measured}" for attacked, measured in sorted(sizes) if 0 < attacked < measured]
    if parts:
        caption += f"; PGD attacked a part of the test data, {', '.join(parts)} examples"
    if len({result.test_digest for result in results} - {None}) > len({result.task for result in results}):
        caption += "; runs of the same task were measured on different data"
    return WideTable(headings, rows, title, ". ".join(filter(None, (caption, attack_notes(results)))))


def attack_notes(results: Sequence[RunResult]) -> str:
    """Return sentences on the mark of numbers, and on how much the attacks on the text changed."""
    return " ".join(filter(None, (mark_note(results), changes_line(results))))


def _title(name: str, result: RunResult) -> str:
    """The heading of a metric of the run, whose F1 is that of one class, and whose typing errors are of one rate."""
    unperturbed = name.removeprefix("typo_")
    title = metric_title(unperturbed, result.positive_label)
    if name == unperturbed:
        return title
    typos = f"typos{result.at_typo_rate}"
    return f"{typos} %" if unperturbed == "accuracy" else f"{typos}, {title}"


def _is_comparable(result: RunResult, first: RunResult) -> bool:
    return result.robustness.same_attack(first.robustness)


def multiple(ratio: float | None) -> str:
    """A multiple of a plain step, or a dash where it was not measured (None, or NaN as the mean over no seed)."""
    return "–" if ratio is None or math.isnan(ratio) else f"{ratio:.2f}"
