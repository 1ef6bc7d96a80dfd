"""Rebuild every generated page, table and figure from the files in results/: `python -m experiments.rebuild`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from benchmarks.document import with_block

from experiments.character_tricks import character_tricks_table
from experiments.cheaper_steps import cheaper_steps_table
from experiments.grid_figures import svg_text
from experiments.grid_sections import Figures, read_grid_results
from experiments.paths import DOCS
from experiments.readme_figure import readme_figure
from experiments.result_page import result_page
from experiments.robust_text import robust_text_table, table_by_encoder
from experiments.robust_text_differences import differences_table, gains_table
from experiments.selective_tables import selective_tables
from experiments.standing_tables import advice_record
from experiments.task_tables import task_notes, task_table
from experiments.text_adversary import text_adversary_table
from experiments.theory_tables import with_theory_tables
from experiments.thirteen_page import thirteen_page, thirteen_tables
from uegr.atomic_files import write_text
from uegr.cli import method_advice

ADVICE = Path(method_advice.__file__).with_suffix(".json")
"""What `uegr methods` says about which method to take."""


def rebuilt_files() -> dict[Path, str]:
    """Every generated file and its content."""
    figures: Figures = {"plain-and-uegr.svg": svg_text(readme_figure())}
    files = {DOCS / "results.md": result_page(figures), DOCS / "thirteen.md": thirteen_page(figures)}
    files[DOCS / "thirteen_tables.md"] = thirteen_tables()
    files[ADVICE] = json.dumps(advice_record(), indent=1) + "\n"
    files |= {DOCS / "figures" / name: svg for name, svg in figures.items()}
    files[DOCS / "theory.md"] = with_theory_tables((DOCS / "theory.md").read_text())
    blocks: Mapping[str, Mapping[str, str]] = {
        "performance.md": {"below": cheaper_steps_table(read_grid_results("below")[1])},
        "gate.md": {"character-tricks": character_tricks_table()},
        "robust_text.md": {"robust-text-gains": gains_table("text_test.jsonl")},
        "robust_text_results.md": {
            "text-test": table_by_encoder("text_test.jsonl"),
            "text-test-differences": differences_table("text_test.jsonl"),
            "robust-text": robust_text_table(),
            "hardened-sizes": table_by_encoder("hardened_sizes.jsonl"),
            "hardened-synonyms": table_by_encoder("hardened_synonyms.jsonl"),
        },
        "selective_update.md": selective_tables(),
        "methods/uegr.md": {"text": text_adversary_table()},
        "tasks.md": {"tasks": task_table(), "notes": task_notes()},
    }
    for name, contents in blocks.items():
        text = (DOCS / name).read_text()
        for mark, content in contents.items():
            text = with_block(text, mark, content)
        files[DOCS / name] = text
    return files


if __name__ == "__main__":
    for path, text in rebuilt_files().items():
        write_text(path, text)
