"""attacked_texts.json in the folder of a run: every text that was attacked, before and after, with both predictions.

It is a file of its own beside results.json, which people share: the texts of a private data set stay in the run folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from uegr.atomic_files import read_json, write_json
from uegr.errors import UsageError
from uegr.evaluation.attacks.attack_results import COLUMN_MARK, AttackOutcome
from uegr.runs.run_result import RunResult

ATTACKED_TEXTS = "attacked_texts.json"
ROW = {"label", "before", "predicted_before", "after", "predicted"}
"""The fields of every row; files of earlier versions have no "untouched"."""
Rows = list[dict[str, Any]]
"""One object per attacked text; see `text_row`."""


def text_row(outcome: AttackOutcome, names: Sequence[str]) -> dict[str, Any]:
    """Return what an attack did to one text.

    Args:
        outcome: the outcome of the attack on this text.
        names: the class names.

    Returns:
        {"label", "before", "predicted_before", "after", "predicted", "untouched"}; "after" is None if no text fooled
        the model, and "untouched" says whether the attack could not change the text.
    """
    return {
        "label": names[outcome.label],
        "before": COLUMN_MARK.join(outcome.before),
        "predicted_before": names[outcome.label if outcome.correct else outcome.predicted],
        "after": None if outcome.after is None else COLUMN_MARK.join(outcome.after),
        "predicted": names[outcome.predicted],
        "untouched": outcome.untouched,
    }


def add_attacked_texts(folder: Path, rows: Mapping[str, Rows]) -> None:
    """Add the texts of these attacks, by `TextAttackRecord.key`; those of other attacks are kept."""
    if rows:
        write_json(folder / ATTACKED_TEXTS, {**read_attacked_texts(folder), **rows})


def read_attacked_texts(folder: Path) -> dict[str, Rows]:
    """Return the texts by `TextAttackRecord.key`; empty if nothing was attacked, or if `folder` is a file.

    Raises:
        UsageError: the file is damaged.
    """
    file = folder / ATTACKED_TEXTS
    if not file.is_file():
        return {}
    fix = "remove it, and attack again with uegr attack"
    content = read_json(file, fix, fault="is damaged")
    if not isinstance(content, dict) or not all(map(_are_rows, content.values())):
        raise UsageError(f"'{file}' is damaged (not an object of lists of texts): {fix}.")
    return content


def _are_rows(rows: Any) -> bool:
    return isinstance(rows, list) and all(isinstance(row, dict) and row.keys() >= ROW for row in rows)


def with_attacked_texts(result: RunResult, folder: Path) -> RunResult:
    """Return the result with the attacked texts in the run's folder, of the attacks that it holds."""
    texts = read_attacked_texts(folder)
    attacks = [replace(attack, texts=texts.get(attack.key, [])) for attack in result.text_attacks]
    return replace(result, text_attacks=attacks)
