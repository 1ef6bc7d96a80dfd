"""Run a grid: every cell that has no result yet, on an engine."""

from uegr.compare.cell import Cell, with_model_path
from uegr.compare.grid import Grid
from uegr.compare.local_engines import CellEvent, Engine, Inline, OnEvent, Processes
from uegr.compare.workspace import Workspace
from uegr.data.named_tasks import load_task
from uegr.errors import UsageError, unknown
from uegr.locked_files import finish_removals

ENGINES = ("local", "ray")


def engine_of(name: str, jobs: int | None) -> Engine:
    """The engine of this name: "local" runs `jobs` cells at once on this machine (default 1), "ray" on a cluster."""
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
    return [cell for cell in grid.cells if workspace.results.find(cell) is None]


def check_data(grid: Grid, workspace: Workspace) -> None:
    """Read the data of the unfinished cells and make the folder of runs: an error now, not after hours of training.

    If all cells have results, nothing is read or made.

    Raises:
        UsageError: data cannot be read, or has no column of a name that a cell gives.
        OSError: the folder cannot be made.
    """
    cells = unfinished(grid, workspace)
    for source in dict.fromkeys(cell.config.data for cell in cells):
        source.load(seed=0)
    for task in dict.fromkeys(task for cell in cells for task in cell.measurement.transfer):
        load_task(task)
    if cells:
        workspace.runs.mkdir(parents=True, exist_ok=True)


def run_grid(
    grid: Grid, workspace: Workspace, engine: Engine | None = None, on_event: OnEvent = lambda cell, event: None
) -> list[str]:
    """Run the unfinished cells, and make the slots of all cells the latest in the results file.

    Args:
        grid: the cells.
        workspace: where the cells run and their results are kept.
        engine: runs the cells; by default one after another in this process.
        on_event: called with the progress and the end of every cell.

    Returns:
        One line for each cell that failed; the next run of the grid tries them again.

    Raises:
        UsageError: the model of a cell is not there; nothing has run.
    """
    failures: list[str] = []

    def collect_failures(cell: Cell, event: CellEvent) -> None:
        if event.kind == "failed":
            failures.append(f"{cell.label}: {event.message}")
        on_event(cell, event)

    cells = unfinished(grid, workspace)
    for cell in cells:
        with_model_path(cell.config)  # an error now is better than one after hours of other cells
    finish_removals(workspace.runs)
    workspace.results.reserve(grid.cells)
    (engine or Inline()).run(cells, workspace, collect_failures)
    return failures
