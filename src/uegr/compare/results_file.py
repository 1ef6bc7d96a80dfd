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
from uegr.compare.cell_content import address, comparable, may_differ
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
        slot = _finished_slot(_slot(cell, None), cell.with_defaults().content(), self._slots())
        return None if slot is None else slot.run

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

    def enter(self, cell: Cell, run: Run, content: dict[str, Any] | None = None) -> None:
        """Write the cell's run: in place of its empty line if there is one, else at the end.

        A run of the cell that another process has entered meanwhile stays, and this one is left out.

        Args:
            cell, run: the cell and its run.
            content: the content of the cell when its run began; None takes that of now.
        """
        self.merge([_slot(cell, run, content)])

    def reserve(self, cells: Sequence[Cell]) -> None:
        """Make the line of each of these cells the latest of its names, so that the file alone says what the grid has.

        The line holds the cell's run if the file has it, under these names or others; else it is empty.
        """
        if not _lines_to_write(cells, self._slots()):
            return
        with self._locked_slots() as slots:
            lines = _lines_to_write(cells, slots)
            slots[:] = [slot for slot in slots if slot.key not in lines or not _gives_way(slot, lines[slot.key])]
            _put(slots, lines.values())

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


def _put(slots: list[ResultSlot], lines: Iterable[ResultSlot]) -> None:
    """Add lines to the slots: each in place of the empty one of its cell if there is one, else at the end."""
    empty = {slot.key: index for index, slot in enumerate(slots) if slot.run is None}
    for line in lines:
        if line.key in empty:
            slots[empty.pop(line.key)] = line
        else:
            slots.append(line)


def _lines_to_write(cells: Sequence[Cell], slots: list[ResultSlot]) -> dict[SlotKey, ResultSlot]:
    """The lines of those of the cells whose latest slot is not their own."""
    latest = {slot.key: slot for slot in latest_of(slots)}
    lines = [_line(cell, slots, latest) for cell in cells]
    return {line.key: line for line in lines if line is not latest.get(line.key)}


def _line(cell: Cell, slots: list[ResultSlot], latest: dict[SlotKey, ResultSlot]) -> ResultSlot:
    """The cell's slot among these: with its run, if there is one under any names; else an empty one."""
    empty, defaults = _slot(cell, None), cell.with_defaults().content()
    own = latest.get(empty.key)
    own = own if own is not None and _is_of_cell(own, empty, defaults) else empty
    slot = _finished_slot(empty, defaults, slots)
    if slot is None or slot is own:
        return own
    run = slot.run if slot.key == own.key else {**(slot.run or {}), "task": cell.task, "model": cell.model}
    # With the whole content: a line of an earlier version lacks settings, which cannot be compared with other lines.
    return replace(empty, run=run)


def _finished_slot(empty: ResultSlot, defaults: dict[str, Any], slots: Iterable[ResultSlot]) -> ResultSlot | None:
    """The slot with the run of a cell, whose own slot is `empty`; under its own names, or else under others.

    Of several it is the last, as in `latest_of`.
    """
    finished = [slot for slot in slots if slot.run and _is_of_cell(slot, empty, defaults)]
    return max(reversed(finished), key=lambda slot: slot.key == empty.key, default=None)


def _is_of_cell(slot: ResultSlot, empty: ResultSlot, defaults: dict[str, Any]) -> bool:
    return slot.seed == empty.seed and _stands_for(slot.content, empty.content, defaults)


def _gives_way(slot: ResultSlot, line: ResultSlot) -> bool:
    """Whether a slot is removed for a line of the same names: the former line of its run, or an empty one."""
    if slot.run is None:
        return slot.content != line.content
    recorded, content = comparable(slot.content, line.content)
    return slot.run == line.run and recorded.items() <= content.items()


def _stands_for(recorded: dict[str, Any], content: dict[str, Any], defaults: dict[str, Any]) -> bool:
    different = (key for key, value in recorded.items() if key not in content or content[key] != value)
    changed = (key for key in content if key not in recorded and content[key] != defaults.get(key))
    return all(may_differ(key, recorded, content) for key in itertools.chain(different, changed))
