"""Run a grid: every cell that the ledger does not hold yet, on an engine."""

from __future__ import annotations

from uegr.compare.cell import Cell, Place
from uegr.compare.engine import Engine, Hear, Inline, News
from uegr.compare.grid import Grid


def unfinished(grid: Grid, place: Place) -> list[Cell]:
    """The grid's cells that have no result yet, in the grid's order."""
    return [cell for cell in grid.cells if place.ledger.find(cell) is None]


def run_grid(grid: Grid, place: Place, engine: Engine | None = None, hear: Hear = lambda cell, news: None) -> list[str]:
    """Run what is not finished.

    Args:
        grid: the cells.
        place: where they run, and where their results are kept.
        engine: who runs them; one after another in this process, if left out.
        hear: told of every cell's progress and end.

    Returns:
        One line for each cell that failed; the next run of the grid tries them again.
    """
    failures: list[str] = []

    def listen(cell: Cell, news: News) -> None:
        if news.kind == "failed":
            failures.append(f"{cell.label}: {news.message}")
        hear(cell, news)

    (engine or Inline()).run(unfinished(grid, place), place, listen)
    return failures
