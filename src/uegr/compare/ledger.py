"""The results of a grid: one small JSON a cell, which says what was run beside what came out."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from uegr.atomic_files import write_json
from uegr.compare.cell import Cell, address
from uegr.errors import UsageError
from uegr.runs.run_folder import document

SEED = "train.seed"
Record = tuple[dict[str, Any], dict[str, Any]]
"""The content of a cell, and its entry of results.json."""


@dataclass(frozen=True)
class Ledger:
    """A folder of results, in which a cell is found by its content.

    A result stands for a cell when all that it recorded is so in the cell, and what it did not know (an
    option that a later version added) is at its default there. So a changed default runs a cell again, and a
    new option that nobody set does not.

    Args:
        folder: of the JSON files; made when the first is written. Grids that share it share their cells.
    """

    folder: Path
    _read: dict[Path, Record] = field(default_factory=dict, compare=False, repr=False)

    def find(self, cell: Cell) -> dict[str, Any] | None:
        """The cell's entry of results.json, or None if it was not run yet."""
        content, defaults = cell.content(), cell.with_defaults().content()
        found = (entry for recorded, entry in self._records() if _stands_for(recorded, content, defaults))
        return next(found, None)

    def cost_of_step(self, cell: Cell) -> dict[str, Any] | None:
        """The cost of a step as another seed of the same cell measured them, if one is finished."""
        content, defaults = cell.content(), cell.with_defaults().content()
        for recorded, entry in self._records():
            if _stands_for({**recorded, SEED: content[SEED]}, content, defaults):
                return dict(entry["cost"])
        return None

    def enter(self, cell: Cell, entry: dict[str, Any]) -> None:
        """Write the cell's result, in one move."""
        content = cell.content()
        names = {"method": cell.method, "task": cell.task, "model": cell.model, "seed": cell.seed}
        path = self.folder / f"{cell.label}-{address(content)}.json"
        write_json(path, {**document([entry]), "cell": names, "content": content})

    def _records(self) -> list[Record]:
        """Content and entry of every result; a file is read once."""
        for path in sorted(self.folder.glob("*.json")):
            if path in self._read:
                continue
            try:
                file = json.loads(path.read_text())
                self._read[path] = file["content"], file["runs"][0]
            except (json.JSONDecodeError, KeyError, IndexError, TypeError, UnicodeDecodeError) as error:
                raise UsageError(
                    f"'{path}' is no result of uegr compare ({error}): remove it, and its cell is run again."
                ) from error
        return list(self._read.values())


def _stands_for(recorded: dict[str, Any], content: dict[str, Any], defaults: dict[str, Any]) -> bool:
    if any(key not in content or content[key] != value for key, value in recorded.items()):
        return False
    return all(content[key] == defaults.get(key) for key in content.keys() - recorded.keys())
