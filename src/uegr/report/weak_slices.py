"""The parts of the data on which the models are weakest, of unchanged texts and under the strongest attack."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from uegr.evaluation.data_slices import SMALLEST
from uegr.report.run_groups import Group, wilson
from uegr.report.table_measures import TableMeasure
from uegr.runs.result_parts import TRAINED_ON
from uegr.runs.text_attack_groups import attack_with_key

MOST_SLICES = 10
Parts = Mapping[str, Mapping[str, Any]]
"""Name of a slice -> the object of results.json."""


def slice_tables(groups: Sequence[Group], attack: TableMeasure | None) -> list[dict[str, Any]]:
    """Return a table of slices of unchanged texts and one under the attack, weakest first, as the page takes them.

    Args:
        groups: each is shown by its first run.
        attack: on the text; None where none was measured.
    """
    tables = [_table("Unchanged texts", groups, [_parts(group) for group in groups])]
    if attack is not None and attack.attack_key is not None:
        parts = [_parts_under(group, attack.attack_key) for group in groups]
        tables.append(_table(attack.name[:1].upper() + attack.name[1:], groups, parts, attack))
    return [table for table in tables if table["rows"]]


def weakest_slice(group: Group) -> tuple[str, float, int] | None:
    """Return name, share of right answers and number of texts of the weakest slice of unchanged texts."""
    parts = [part for part in group.first.slices if part["examples"] >= SMALLEST]
    if not parts:
        return None
    weakest = min(parts, key=lambda part: float(part["accuracy"]))
    return weakest["slice"], weakest["accuracy"], weakest["examples"]


def _parts(group: Group) -> Parts:
    return {part["slice"]: part for part in group.first.slices}


def _parts_under(group: Group, key: str) -> Parts:
    attack = attack_with_key(group.first, key)
    return {} if attack is None else {part["slice"]: part for part in attack.slices}


def _table(
    title: str, groups: Sequence[Group], parts: Sequence[Parts], attack: TableMeasure | None = None
) -> dict[str, Any]:
    names = dict.fromkeys(name for of_group in parts for name in of_group)
    sizes = {name: max(of_group[name]["examples"] for of_group in parts if name in of_group) for name in names}

    def mean(name: str) -> float:
        return float(np.mean([of_group[name]["accuracy"] for of_group in parts if name in of_group]))

    weakest = sorted((name for name in names if sizes[name] >= SMALLEST), key=mean)[:MOST_SLICES]
    return {
        "title": title,
        "headings": ["part of the data", "texts", *(_heading(group, attack) for group in groups)],
        "rows": [[name, f"{sizes[name]}", *(_cell(of_group.get(name)) for of_group in parts)] for name in weakest],
    }


def _heading(group: Group, attack: TableMeasure | None) -> str:
    trained_on = attack is not None and attack.mark_of([group.first])
    return f"{group.label}, right %" + (f" ({TRAINED_ON})" if trained_on else "")


def _cell(part: Mapping[str, Any] | None) -> str:
    if part is None:
        return "–"
    low, high = wilson(part["accuracy"], part["examples"])
    return f"{100 * part['accuracy']:.1f} [{100 * low:.0f}, {100 * high:.0f}]"
