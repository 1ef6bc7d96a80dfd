"""Train every cell and write docs/compatibility.md; exit code 1 if the page differs from what is committed.

python tests/matrix/write.py
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from cells import ERROR, NOT_APPLICABLE, SETTINGS, WORKS, Cell, run_cell, stage_pairs
from zoo import ARCHITECTURES, KINDS, usual_kind

from uegr import METHODS
from uegr.atomic_files import write_text
from uegr.libraries import silence_libraries

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
MARKS = {WORKS: "yes", ERROR: "error", NOT_APPLICABLE: "–"}
INTRODUCTION = """# What works where

Written by `make matrix`, which trains every cell for four steps on a small random model of the real class and checks
that the loss is finite, that weights move, that sub-models differ, and that the model has its own keys, dropout rates
and hooks afterwards. Do not edit this page. "yes": it works; "error": a clear error, whose text is below the table;
"–": does not apply, for the reason below the table.
"""
PROCESSES = """## Several processes

`tests/settings/test_distributed.py` trains plain and UEGR in two gloo processes and compares the weights with those of
one process: DistributedDataParallel (`torchrun`, `accelerate launch`) and FSDP2 (`fully_shard`). Reentrant gradient
checkpointing is a clear error, which names the argument that fixes it."""


def worst(cells: Iterable[Cell]) -> Cell:
    """The cell that is shown for several: an error before "works" before "not applicable"."""
    order = (ERROR, WORKS, NOT_APPLICABLE)
    return min(cells, key=lambda cell: order.index(cell.status))


def table(title: str, heads: list[str], rows: dict[str, dict[str, Cell]]) -> str:
    lines = [f"## {title}", "", "| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    reasons: dict[tuple[str, str], list[str]] = {}
    for name, row in rows.items():
        lines.append(f"| {name} | " + " | ".join(MARKS[row[head].status] for head in heads) + " |")
        for head, cell in row.items():
            if cell.reason:
                reasons.setdefault((head, cell.reason), []).append(name)
    lines += ["", *(f"- {head}: {reason} ({', '.join(names)})" for (head, reason), names in sorted(reasons.items()))]
    return "\n".join(lines) + "\n"


def main() -> int:
    silence_libraries()
    warnings.filterwarnings("ignore")
    everywhere, names = ["plain", "uegr"], list(METHODS)
    kinds: dict[str, dict[str, Cell]] = {}
    settings: dict[str, dict[str, Cell]] = {}
    lineage: dict[str, dict[str, Cell]] = {}
    for architecture in ARCHITECTURES:
        print(architecture, flush=True)
        usual = usual_kind(architecture)
        kinds[architecture] = {kind: worst(run_cell(name, architecture, kind) for name in names) for kind in KINDS}
        settings[architecture] = {
            setting: worst(run_cell(name, architecture, usual, setting) for name in everywhere) for setting in SETTINGS
        }
    for name in names:
        print(name, flush=True)
        lineage[name] = {setting: run_cell(name, "BERT", "single", setting) for setting in SETTINGS}
    pairs = {pair: run_cell(pair, "BERT", "single") for pair in stage_pairs()}
    text = "\n".join(
        [
            INTRODUCTION,
            table(f"Kinds of task (every method: {', '.join(names)})", KINDS, kinds),
            table(f"Training settings on every architecture ({', '.join(everywhere)})", SETTINGS, settings),
            table("Every method in every training setting, on BERT", SETTINGS, lineage),
            f"## Pairs\n\nEvery forward stage with every backward stage, on BERT: {len(pairs)} pairs, of which "
            f"{sum(cell.status == WORKS for cell in pairs.values())} work.\n",
            PROCESSES,
        ]
    )
    is_unchanged = PAGE.exists() and PAGE.read_text() == text + "\n"
    write_text(PAGE, text + "\n")
    print("docs/compatibility.md " + ("is as committed" if is_unchanged else "has changed: see git diff"))
    return 0 if is_unchanged else 1


if __name__ == "__main__":
    sys.exit(main())
