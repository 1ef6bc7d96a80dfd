"""A table for the terminal, of any number of columns: columns that do not fit are shown in further tables below."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table

GAP = 2
"""Spaces between two columns."""


@dataclass(frozen=True)
class WideTable:
    """A table that rich prints. Each part of it begins with the first column, which names the rows.

    Args:
        headings: headings of the columns; a unit at the end (" %") is put on a second line.
        rows: one cell for each heading.
        title: printed above the first part.
        caption: printed below the last part.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str
    caption: str | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        parts = list(self._parts(options.max_width))
        for number, columns in enumerate(parts):
            table = Table(box=SIMPLE, padding=(0, 1), pad_edge=False)
            table.title = self.title if number == 0 else None
            table.caption = self.caption if number == len(parts) - 1 else None
            for column in columns:
                justify, overflow = ("right", "ellipsis") if column else ("left", "fold")
                table.add_column(self._heading(column), justify=justify, overflow=overflow)  # type: ignore[arg-type]
            for row in self.rows:
                table.add_row(*(row[column] for column in columns))
            yield table

    def _parts(self, width: int) -> Iterator[list[int]]:
        """Yield the indices of the columns of each part, for a terminal of this width."""
        part = [0]
        for column in range(1, len(self.headings)):
            if len(part) > 1 and sum(self._width(other) + GAP for other in [*part, column]) > width:
                yield part
                part = [0]
            part.append(column)
        yield part

    def _heading(self, column: int) -> str:
        return self.headings[column].replace(" %", "\n%")

    def _width(self, column: int) -> int:
        lines = [*self._heading(column).split("\n"), *(row[column] for row in self.rows)]
        return max(cell_len(line) for line in lines)
