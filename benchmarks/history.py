"""Before and after: the table of `benchmarks/results/history.json`, which `benchmarks/step.py` writes.

python -m benchmarks.history     into docs/performance.md
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.document import replace_block

HISTORY = Path("benchmarks/results/history.json")


def table() -> str:
    """One row a commit and entry, as Markdown."""
    lines = [
        "| commit | step | FLOPs × | time × | time / FLOPs | update, share of the step % |",
        "|---|---|---|---|---|---|",
    ]
    for one in json.loads(HISTORY.read_text()):
        for name, row in one["rows"].items():
            lines.append(
                f"| {one['label']} | {name} | {row['flop_ratio']:.2f} | {row['time_ratio']:.2f} "
                f"| {row['time_ratio'] / row['flop_ratio']:.2f} | {100 * row['update_seconds'] / row['seconds']:.1f} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    replace_block(Path("docs/performance.md"), "history", table())
