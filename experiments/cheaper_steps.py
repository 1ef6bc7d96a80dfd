"""UEGR with less arithmetic per step: what each cheaper form costs in accuracy, beside the full method."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.number_text import signed
from uegr.compare.grid_summary import Line, Table
from uegr.compare.grid_table import markdown
from uegr.compare.measures import CLEAN, ECE, ROBUST, Measure
from uegr.evaluation.statistics import estimate

FULL = "uegr"


def cheaper_steps_table(tables: Sequence[Table]) -> str:
    """Cost of each form, its scores, and their differences from full UEGR, paired by seed, as Markdown."""
    measures = (CLEAN, ROBUST)
    rows = []
    for table in tables:
        full = table.line(FULL)
        for line in table.lines:
            costs = [f"{line.cost(key):.2f}" for key in ("flop_ratio", "time_ratio")]
            row = [table.task, line.method, line.seeds, *costs]
            for measure in measures:
                row += [f"{100 * line.estimates[measure.name].mean:.1f}", _difference(line, full, measure)]
            rows.append(row)
    heads = ["task", "variant", "seeds", "FLOPs ×", "time ×"]
    heads += [text for measure in measures for text in (f"{measure.name} %", "difference")]
    return markdown(heads, rows)


def full_against_plain(tables: Sequence[Table]) -> str:
    """Full UEGR beside plain, and the difference, paired by seed, as Markdown."""
    measures = (CLEAN, ROBUST, ECE)
    rows = []
    for table in tables:
        uegr, plain = table.line(FULL), table.line("plain")
        if uegr is None or plain is None:
            continue
        row = [table.task, uegr.seeds]
        for measure in measures:
            means = [measure.metric.text(line.estimates[measure.name].mean) for line in (uegr, plain)]
            row.append(f"{means[0]} against {means[1]}: {_difference(uegr, plain, measure)}")
        rows.append(row)
    return markdown(["task", "seeds", "accuracy %", "PGD 0.035 %", "ECE"], rows)


def _difference(line: Line, full: Line | None, measure: Measure) -> str:
    """The mean difference over the seeds that both have, with the 95 % interval."""
    if full is None or line is full:
        return ""
    pairs = [
        (measure.value(line.runs[seed]), measure.value(full.runs[seed])) for seed in line.runs if seed in full.runs
    ]
    differences = [value - full_value for value, full_value in pairs if value is not None and full_value is not None]
    return signed(estimate(differences), *measure.metric.scale)
