"""The results file of a grid, in which a cell's run is found by the cell's content."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from uegr.atomic_files import link_target, write_text
from uegr.compare.cell import Cell
from uegr.compare.cell_content import Content, address, comparable, may_differ
from uegr.compare.result_slot import SEED, ResultSlot, Run, SlotKey, check_runs, latest_of, read_slots, text_of


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
        slot = _CellSlots(cell).finished(self._slots())
        return None if slot is None else slot.run

    def slots(self, cells: Iterable[Cell]) -> list[ResultSlot]:
        """The slots of these cells, with the runs that there are."""
        return [_slot(cell, self.find(cell)) for cell in cells]

    def cost_of_step(self, cell: Cell) -> dict[str, Any] | None:
        """The cost of a step as measured in another seed of the same cell; None if there is none."""
        cell_slots = _CellSlots(cell)
        for slot in self._slots():
            if slot.run is None or slot.run["cost"].get("flop_ratio") is None:
                continue
            if cell_slots.has_content({**slot.content, SEED: cell_slots.empty.content[SEED]}):
                return dict(slot.run["cost"])
        return None

    def enter(self, cell: Cell, run: Run, content: dict[str, Any] | None = None) -> None:
        """Write the cell's run: in place of its empty slot if there is one, else at the end.

        A run of the cell that another process has entered meanwhile stays, and this one is left out.

        Args:
            cell, run: the cell and its run.
            content: the content of the cell when its run began; None takes that of now.
        """
        self.merge([_slot(cell, run, content)])

    def reserve(self, cells: Sequence[Cell]) -> None:
        """Write one slot per cell, after all older slots of the same task, model, method and seed.

        The slot has the cell's run if the file holds it, under these names or others, and is empty otherwise. So the
        file alone says what the grid has.
        """
        if not _slots_to_write(cells, self._slots()):
            return
        with self._locked_slots() as slots:
            new_slots = _slots_to_write(cells, slots)
            slots[:] = [
                slot for slot in slots if slot.key not in new_slots or not _is_replaced_by(slot, new_slots[slot.key])
            ]
            _put(slots, new_slots.values())

    def merge(self, slots: Sequence[ResultSlot]) -> list[ResultSlot]:
        """Write the slots of another results file, and return those whose run is new here.

        A run that this file has already, for the same cell with the same content, is left as it is. An empty slot is
        written if this file has nothing for its cell.
        """
        with self._locked_slots() as own_slots:
            finished = {(slot.key, address(slot.content)) for slot in own_slots if slot.run is not None}
            runs = [
                slot for slot in slots if slot.run is not None and (slot.key, address(slot.content)) not in finished
            ]
            cells = {slot.key for slot in (*own_slots, *runs)}
            _put(own_slots, [*runs, *(slot for slot in slots if slot.run is None and slot.key not in cells)])
        return runs

    @contextmanager
    def _locked_slots(self) -> Iterator[list[ResultSlot]]:
        """All slots, while no other process may write; what the caller changes in the list is written at the end."""
        target = link_target(self.path)  # all links to a file wait for one lock
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f".{target.name}.lock")):
            former = self._slots()
            slots = list(former)
            yield slots
            if slots != former:
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


def _slot(cell: Cell, run: Run | None, content: dict[str, Any] | None = None) -> ResultSlot:
    content = cell.content() if content is None else content
    return ResultSlot(cell.task, cell.model, cell.method, cell.seed, content, run)


class _CellSlots:
    """Tells which slots of a results file are of one cell, under its own names or others."""

    def __init__(self, cell: Cell) -> None:
        self.empty = _slot(cell, None)
        self._defaults = cell.with_defaults().content()

    def finished(self, slots: Iterable[ResultSlot]) -> ResultSlot | None:
        """The slot with the cell's run: under its own names, or else under others; the last of several."""
        finished = [slot for slot in slots if slot.run and self._has(slot)]
        under_own_names = [slot for slot in finished if slot.key == self.empty.key]
        return next(reversed(under_own_names or finished), None)

    def wanted(self, slots: Iterable[ResultSlot], latest: ResultSlot | None) -> ResultSlot:
        """The slot that should be the latest of the cell's names: `latest`, if that is the cell's, or a new one."""
        own = latest if latest is not None and self._has(latest) else self.empty
        finished = self.finished(slots)
        if finished is None or finished is own:
            return own
        run = finished.run or {}
        run = run if finished.key == own.key else {**run, "task": own.task, "model": own.model}
        # With the whole content: a slot of an earlier version lacks settings, so it cannot be compared with others.
        return replace(self.empty, run=run)

    def has_content(self, recorded: Content) -> bool:
        """Whether a recorded content is the cell's; `ResultsFile` says when."""
        content = self.empty.content
        different = (key for key, value in recorded.items() if key not in content or content[key] != value)
        changed = (key for key in content if key not in recorded and content[key] != self._defaults.get(key))
        return all(may_differ(key, recorded, content) for key in itertools.chain(different, changed))

    def _has(self, slot: ResultSlot) -> bool:
        return slot.seed == self.empty.seed and self.has_content(slot.content)


def _slots_to_write(cells: Sequence[Cell], slots: list[ResultSlot]) -> dict[SlotKey, ResultSlot]:
    """The new slots of those of the cells whose latest slot is not their own."""
    latest = {slot.key: slot for slot in latest_of(slots)}
    of_cells = [_CellSlots(cell) for cell in cells]
    wanted = [of_cell.wanted(slots, latest.get(of_cell.empty.key)) for of_cell in of_cells]
    return {slot.key: slot for slot in wanted if slot is not latest.get(slot.key)}


def _is_replaced_by(slot: ResultSlot, new: ResultSlot) -> bool:
    """Whether `new` makes this slot redundant: it holds the same run, or this slot is an empty one of other content."""
    if slot.run is None:
        return slot.content != new.content
    recorded, content = comparable(slot.content, new.content)
    return slot.run == new.run and recorded.items() <= content.items()


def _put(slots: list[ResultSlot], new_slots: Iterable[ResultSlot]) -> None:
    """Add the new slots: each in place of the empty one of its names if there is one, else at the end."""
    empty = {slot.key: index for index, slot in enumerate(slots) if slot.run is None}
    for slot in new_slots:
        if slot.key in empty:
            slots[empty.pop(slot.key)] = slot
        else:
            slots.append(slot)
