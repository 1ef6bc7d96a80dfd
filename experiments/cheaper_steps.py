"""UEGR below the arithmetic of its step: what each cheaper way costs in accuracy, beside the full method.

uegr compare benchmarks/grids/below.yaml --jobs 2     train and measure what is not measured yet
python -m benchmarks.below                            write the table into docs/performance.md, and README.md
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.document import replace_block, signed
from uegr.compare.grid import read_grid
from uegr.compare.grid_summary import Line, Table, summarise
from uegr.compare.grid_table import markdown
from uegr.compare.ledger import Ledger
from uegr.compare.measures import MEASURES, Measure, shown
from uegr.evaluation.statistics import estimate

GRID, RESULTS, DOCUMENT = Path("benchmarks/grids/below.yaml"), Path("results/below"), Path("docs/performance.md")
README = Path("README.md")
FULL = "uegr"


def table(tables: Sequence[Table]) -> str:
    """Cost of each way, its scores, and their differences from full UEGR, paired by seed, as Markdown."""
    measures = MEASURES[:2]
    rows = []
    for one in tables:
        full = one.line(FULL)
        for line in one.lines:
            costs = [f"{line.cost(key):.2f}" for key in ("flop_ratio", "time_ratio")]
            row = [one.task, line.method, line.seeds, *costs]
            for measure in measures:
                row += [f"{100 * line.estimates[measure.name].mean:.1f}", difference(line, full, measure)]
            rows.append(row)
    heads = ["task", "variant", "seeds", "FLOPs ×", "time ×"]
    heads += [text for measure in measures for text in (f"{measure.name} %", "difference")]
    return markdown(heads, rows) if rows else "Not measured yet: `uegr compare benchmarks/grids/below.yaml`."


def in_short(tables: Sequence[Table]) -> str:
    """UEGR beside plain, and the difference, paired by seed, as Markdown."""
    measures = [one for one in MEASURES if one.name in ("clean", "robust", "ECE")]
    rows = []
    for one in tables:
        uegr, plain = one.line(FULL), one.line("plain")
        if uegr is None or plain is None:
            continue
        row = [one.task, uegr.seeds]
        for measure in measures:
            scale, digits = shown(measure.name)
            ours, theirs = (f"{scale * line.estimates[measure.name].mean:.{digits}f}" for line in (uegr, plain))
            row.append(f"{ours} against {theirs}: {difference(uegr, plain, measure, scale, digits)}")
        rows.append(row)
    return markdown(["task", "seeds", "accuracy %", "PGD 0.035 %", "ECE"], rows)


def difference(line: Line, full: Line | None, measure: Measure, scale: int = 100, digits: int = 1) -> str:
    """How much more or less than another line over the seeds that both have, with the 95 % interval."""
    if full is None or line is full:
        return ""
    pairs = [
        (measure.value(line.runs[seed]), measure.value(full.runs[seed])) for seed in line.runs if seed in full.runs
    ]
    found = estimate([one - other for one, other in pairs if one is not None and other is not None])
    return signed(found, scale, digits)


if __name__ == "__main__":
    found = summarise(read_grid(GRID), Ledger(RESULTS))
    replace_block(DOCUMENT, "below", table(found))
    replace_block(README, "below", in_short(found))
