"""The results file of a grid, in which a cell's run is found by the cell's content."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from uegr.atomic_files import write_text
from uegr.compare.cell import MODEL_DIGEST, Cell, with_model_by_path
from uegr.compare.result_slot import ResultSlot, Run, check_runs, read_slots, text_of

SEED = "train.seed"


@dataclass(frozen=True)
class ResultsFile:
    """A results file (see `result_slot`) that several processes may read and write.

    A recorded run belongs to a cell if everything recorded has the same value in the cell, and everything not recorded
    (an option that a later version added) is at its default in the cell. So a changed default repeats a run; a new
    option at its default does not.

    The file is replaced as a whole, under a lock beside it, so a reader never sees half a line.

    Args:
        path: the file, which is created with the first result. Grids that share a file share their runs.
    """

    path: Path
    _cache: dict[tuple[int, int, int], list[ResultSlot]] = field(default_factory=dict, compare=False, repr=False)

    def check(self) -> None:
        """Raise a UsageError naming the first line whose run cannot be put into a table."""
        check_runs(self._slots(), self.path)

    def find(self, cell: Cell) -> Run | None:
        """The cell's run, or None if it is missing."""
        content, defaults = cell.content(), cell.with_defaults().content()
        runs = (slot.run for slot in self._slots() if slot.run and _stands_for(slot.content, content, defaults))
        return next(runs, None)

    def slots(self, cells: Iterable[Cell]) -> list[ResultSlot]:
        """The slots of these cells, with the runs that there are."""
        return [_slot(cell, self.find(cell)) for cell in cells]

    def cost_of_step(self, cell: Cell) -> dict[str, Any] | None:
        """The cost of a step as measured in another seed of the same cell; None if there is none."""
        content, defaults = cell.content(), cell.with_defaults().content()
        for slot in self._slots():
            if slot.run is None or slot.run["cost"].get("flop_ratio") is None:
                continue
            if _stands_for({**slot.content, SEED: content[SEED]}, content, defaults):
                return dict(slot.run["cost"])
        return None

    def enter(self, cell: Cell, run: Run) -> None:
        """Write the cell's run: in place of its empty line if there is one, else at the end."""
        self._add([_slot(cell, run)])

    def reserve(self, cells: Iterable[Cell]) -> None:
        """Write an empty line for each of these cells, so that the file alone says how many runs are missing."""
        self._add([_slot(cell, None) for cell in cells])

    def merge(self, slots: Iterable[ResultSlot]) -> list[ResultSlot]:
        """Write the slots of another results file, and return those whose run is new here.

        A run that this file has already, for the same cell with the same content, is left as it is. An empty slot is
        written if this file has nothing for its cell.
        """
        slots = list(slots)
        finished = [(slot.key, slot.content) for slot in self._slots() if slot.run is not None]
        cells = {slot.key for slot in self._slots()}
        runs = [slot for slot in slots if slot.run is not None and (slot.key, slot.content) not in finished]
        cells |= {slot.key for slot in runs}
        self._add([*runs, *(slot for slot in slots if slot.run is None and slot.key not in cells)])
        return runs

    def _add(self, new_slots: list[ResultSlot]) -> None:
        if not new_slots:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_name(f".{self.path.name}.lock")):
            slots = list(self._slots())
            empty = {slot.key: index for index, slot in enumerate(slots) if slot.run is None}
            done = [(slot.key, slot.content) for slot in slots if slot.run is not None]
            for slot in new_slots:
                if slot.run is None and (slot.key, slot.content) in done:
                    continue  # another process has entered the run since this one looked for it
                if slot.key in empty:
                    slots[empty[slot.key]] = slot
                else:
                    slots.append(slot)
            write_text(self.path, text_of(slots))

    def _slots(self) -> list[ResultSlot]:
        """All slots of the file, which is read again only after it has changed."""
        if not self.path.exists():
            return []
        state = self.path.stat()
        version = (state.st_ino, state.st_mtime_ns, state.st_size)
        if version not in self._cache:
            slots = read_slots(self.path)
            self._cache.clear()
            self._cache[version] = slots
        return self._cache[version]


def _slot(cell: Cell, run: Run | None) -> ResultSlot:
    return ResultSlot(cell.task, cell.model, cell.method, cell.seed, cell.content(), run)


def _stands_for(recorded: dict[str, Any], content: dict[str, Any], defaults: dict[str, Any]) -> bool:
    if MODEL_DIGEST not in recorded or MODEL_DIGEST not in content:  # recorded by name, or no folder here to compare
        recorded, content = with_model_by_path(recorded), with_model_by_path(content)
    if any(key not in content or content[key] != value for key, value in recorded.items()):
        return False
    return all(content[key] == defaults.get(key) for key in content.keys() - recorded.keys())
