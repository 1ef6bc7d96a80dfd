"""UEGR below the arithmetic of its step: what each cheaper way costs in accuracy, beside the full method.

uegr compare benchmarks/grids/below.yaml --jobs 2     train and measure what is not measured yet
python -m benchmarks.below                            write the table into docs/performance.md
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.document import replace_block
from uegr.compare.grid import read_grid
from uegr.compare.ledger import Ledger
from uegr.compare.summary import MEASURES, Line, Measure, summarise
from uegr.compare.table import markdown
from uegr.evaluation.statistics import estimate

GRID, RESULTS, DOCUMENT = Path("benchmarks/grids/below.yaml"), Path("results/below"), Path("docs/performance.md")
FULL = "uegr"


def table() -> str:
    """Cost of each way, its scores, and their differences from full UEGR, paired by seed, as Markdown."""
    measures = MEASURES[:2]
    rows = []
    for one in summarise(read_grid(GRID), Ledger(RESULTS)):
        full = one.line(FULL)
        for line in one.lines:
            costs = [f"{line.cost(key):.2f}" for key in ("flop_ratio", "time_ratio")]
            row = [one.task, line.method, f"{len(line.runs)}/{line.wanted}", *costs]
            for measure in measures:
                row += [f"{100 * line.estimates[measure.name].mean:.1f}", difference(line, full, measure)]
            rows.append(row)
    heads = ["task", "variant", "seeds", "FLOPs ×", "time ×"]
    heads += [text for measure in measures for text in (f"{measure.name} %", "difference")]
    return markdown(heads, rows) if rows else "Not measured yet: `uegr compare benchmarks/grids/below.yaml`."


def difference(line: Line, full: Line | None, measure: Measure) -> str:
    """Points more or less than full UEGR over the seeds that both have, with the 95 % interval."""
    if full is None or line is full:
        return ""
    pairs = [
        (measure.value(line.runs[seed]), measure.value(full.runs[seed])) for seed in line.runs if seed in full.runs
    ]
    found = estimate([100 * (one - other) for one, other in pairs if one is not None and other is not None])
    return f"{found.mean:+.1f}" if found.count < 2 else f"{found.mean:+.1f} [{found.low:+.1f}, {found.high:+.1f}]"


if __name__ == "__main__":
    replace_block(DOCUMENT, "below", table())
