"""The results of a grid: one small JSON a cell, which says what was run beside what came out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uegr.atomic import write_json
from uegr.errors import UsageError
from uegr.report.results import document

if TYPE_CHECKING:
    from uegr.compare.cell import Cell

COST = ("flop_ratio", "time_ratio")


@dataclass(frozen=True)
class Ledger:
    """A folder of results, in which a cell is found by its content.

    A result stands for a cell when all that it recorded is so in the cell, and what it did not know (an
    option that a later version added) is at its default there. So a changed default runs a cell again, and a
    new option that nobody set does not.

    Args:
        folder: of the JSON files; made when the first is written.
    """

    folder: Path

    def find(self, cell: Cell) -> dict[str, Any] | None:
        """The cell's entry of results.json, or None if it was not run yet."""
        content, defaults = cell.content(), cell.with_defaults().content()
        for recorded, entry in self._records(f"{cell.label}-*.json"):
            if _stands_for(recorded, content, defaults):
                return entry
        return None

    def cost_of_step(self, cell: Cell) -> dict[str, float] | None:
        """The step's cost ratios as another seed of the same cell measured them, if one is finished."""
        content, defaults = cell.content(), cell.with_defaults().content()
        pattern = f"{cell.label.removesuffix(str(cell.seed))}*.json"
        for recorded, entry in self._records(pattern):
            if _stands_for({**recorded, "train.seed": cell.seed}, content, defaults):
                return {key: entry["cost"][key] for key in COST}
        return None

    def enter(self, cell: Cell, entry: dict[str, Any]) -> None:
        """Write the cell's result, in one move."""
        from uegr.compare.cell import address

        content = cell.content()
        names = {"method": cell.method, "task": cell.task, "model": cell.model, "seed": cell.seed}
        path = self.folder / f"{cell.label}-{address(content)}.json"
        write_json(path, {**document([entry]), "cell": names, "content": content})

    def _records(self, pattern: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        for path in sorted(self.folder.glob(pattern)):
            try:
                file = json.loads(path.read_text())
                yield file["content"], file["runs"][0]
            except (json.JSONDecodeError, KeyError, IndexError) as error:
                raise UsageError(
                    f"'{path}' is no result of uegr compare ({error}): remove it, and its cell is run again."
                ) from error


def _stands_for(recorded: dict[str, Any], content: dict[str, Any], defaults: dict[str, Any]) -> bool:
    if any(key not in content or content[key] != value for key, value in recorded.items()):
        return False
    return all(content[key] == defaults.get(key) for key in content.keys() - recorded.keys())
