"""The display of a running grid: a table of tasks x methods that fills, and the cells that are running."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rich.box import SIMPLE
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from uegr.compare.cell import Cell
from uegr.compare.grid import Grid
from uegr.compare.local_engines import CellEvent, OnEvent
from uegr.compare.workspace import Workspace

CellGroup = tuple[str, str, str]
"""Task, model and method: the cells that differ only in their seed."""


class Board:
    """The state of a grid as rich tables.

    Args:
        grid: the cells.
        workspace: where the results are; those of finished cells are read first.
    """

    def __init__(self, grid: Grid, workspace: Workspace) -> None:
        self.grid = grid
        self.workspace = workspace
        self.wanted = Counter(map(_group, grid.cells))
        self.values: dict[CellGroup, list[float]] = {group: [] for group in self.wanted}
        self.failed: set[CellGroup] = set()
        self.running: dict[str, CellEvent] = {}
        self.start, self.ended = time.monotonic(), 0
        for cell in grid.cells:
            self._enter(cell)

    def on_event(self, cell: Cell, event: CellEvent) -> None:
        """Update the state with a cell's event."""
        if not event.final:
            self.running[cell.label] = event
            return
        self.running.pop(cell.label, None)
        self.ended += 1
        if event.kind == "done":
            self._enter(cell)
        elif event.kind == "failed":
            self.failed.add(_group(cell))

    def __rich__(self) -> Group:
        return Group(self._table(), self._running_cells())

    def line(self, cell: Cell, event: CellEvent) -> str:
        """Describe the end of a cell in one line, for logs."""
        values = self.values[_group(cell)]
        ending = f"{100 * values[-1]:.1f} %" if event.kind == "done" else f"{event.kind}: {event.message}"
        return f"[{self._done}/{len(self.grid.cells)}] {cell.label}: {ending}"

    @property
    def _done(self) -> int:
        """Number of cells that have a result."""
        return sum(map(len, self.values.values()))

    def _enter(self, cell: Cell) -> None:
        (slot,) = self.workspace.results.slots([cell])
        if slot.result is not None:
            self.values[_group(cell)].append(slot.result.metrics[slot.result.metric])

    def _table(self) -> Table:
        done, wanted = self._done, len(self.grid.cells)
        title = f"{self.grid.name}: {done} of {wanted} runs{self._time_left(wanted - done)}"
        caption = "mean of the task's metric in %, (runs so far)"
        table = Table(title=title, caption=caption, box=SIMPLE, padding=(0, 1))
        table.add_column("")
        for method in self.grid.methods:
            table.add_column(method, justify="right")
        for task in self.grid.tasks:
            for model in self.grid.models:
                row = [self._text((task, model, method)) for method in self.grid.methods]
                table.add_row(task if len(self.grid.models) == 1 else f"{task}, {model}", *row)
        return table

    def _time_left(self, runs: int) -> str:
        """Estimated from the runs that ended since the start."""
        if not (self.ended and runs):
            return ""
        minutes = (time.monotonic() - self.start) / self.ended * runs / 60
        return f", about {minutes:.0f} min left"

    def _text(self, group: CellGroup) -> str:
        values, mark = self.values.get(group, []), "!" if group in self.failed else ""
        mean = f"{100 * sum(values) / len(values):.1f} " if values else ""
        return f"{mean}({len(values)}/{self.wanted[group]}){mark}"

    def _running_cells(self) -> Table:
        lines = Table.grid(padding=(0, 1))
        for label, event in self.running.items():
            bar = ProgressBar(total=event.total, completed=event.done, width=30)
            lines.add_row(label, event.kind, bar, f"{event.done}/{event.total}")
        return lines


@contextmanager
def board(grid: Grid, workspace: Workspace, console: Console) -> Iterator[OnEvent]:
    """Show the grid while it runs: a live table on a terminal, a line per finished cell in a log."""
    state = Board(grid, workspace)

    def on_event(cell: Cell, event: CellEvent) -> None:
        state.on_event(cell, event)
        if event.kind in ("failed", "interrupted") or (event.final and not console.is_terminal):
            console.print(state.line(cell, event), highlight=False, soft_wrap=True)

    if not console.is_terminal:
        yield on_event
        return
    with Live(state, console=console, refresh_per_second=2):
        yield on_event


def _group(cell: Cell) -> CellGroup:
    return cell.task, cell.model, cell.method
