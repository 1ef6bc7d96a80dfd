"""Run a grid: every cell that the ledger does not hold yet, on an engine."""

from __future__ import annotations

from uegr.compare.cell import Cell, with_model_path
from uegr.compare.grid import Grid
from uegr.compare.local_engines import CellEvent, Engine, Inline, OnEvent, Processes
from uegr.compare.workspace import Workspace
from uegr.errors import UsageError, unknown

ENGINES = ("local", "ray")


def engine_of(name: str, jobs: int | None) -> Engine:
    """An engine by name: "local" runs `jobs` cells at once on this machine (one, if left out), "ray" on a cluster.

    Raises:
        UsageError: an unknown engine, or no jobs at all.
    """
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs must be at least 1, not {jobs}.")
    if name not in ENGINES:
        raise unknown("engine", name, ENGINES)
    if name == "ray":
        from uegr.compare.ray_engine import RayCluster

        return RayCluster(jobs)
    return Inline() if jobs is None or jobs == 1 else Processes(jobs)


def unfinished(grid: Grid, workspace: Workspace) -> list[Cell]:
    """The grid's cells that have no result yet, in the grid's order."""
    return [cell for cell in grid.cells if workspace.ledger.find(cell) is None]


def run_grid(
    grid: Grid, workspace: Workspace, engine: Engine | None = None, on_event: OnEvent = lambda cell, event: None
) -> list[str]:
    """Run what is not finished.

    Args:
        grid: the cells.
        workspace: where they run, and where their results are kept.
        engine: who runs them; one after another in this process, if left out.
        on_event: told of every cell's progress and end.

    Returns:
        One line for each cell that failed; the next run of the grid tries them again.

    Raises:
        UsageError: the path of a model names an environment variable that is not set; nothing has been run.
    """
    failures: list[str] = []

    def listen(cell: Cell, event: CellEvent) -> None:
        if event.kind == "failed":
            failures.append(f"{cell.label}: {event.message}")
        on_event(cell, event)

    cells = unfinished(grid, workspace)
    for cell in cells:
        with_model_path(cell.config)  # better refused now than after hours of other cells
    (engine or Inline()).run(cells, workspace, listen)
    return failures
