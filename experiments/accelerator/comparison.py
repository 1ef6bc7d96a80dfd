"""A grid or a tuning file: its cells, the command that runs it, and how much of it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from uegr.compare.cell import Cell
from uegr.compare.grid import read_grid
from uegr.compare.local_engines import OnEvent
from uegr.compare.results_file import ResultsFile
from uegr.compare.workspace import Workspace
from uegr.compare.yaml_files import load_with_references
from uegr.errors import StoppedError


@dataclass(frozen=True)
class Comparison:
    """A file for `uegr compare`, or for `uegr tune`.

    Args:
        path: of the file.
        name: of its results: NAME.jsonl.
        command: "compare" or "tune".
        cells: of the grid; of a search those of one trial, at the options that the file gives.
        rounds: 1, or the number of trials.
    """

    path: Path
    name: str
    command: str
    cells: tuple[Cell, ...]
    rounds: int = 1

    @property
    def total(self) -> int:
        """Number of runs."""
        return self.rounds * len(self.cells)

    def missing(self, results: Path) -> int:
        """Number of runs that have no result yet in the folder `results`."""
        results_file = ResultsFile(results / f"{self.name}.jsonl")
        if self.command == "compare":
            return sum(results_file.find(cell) is None for cell in self.cells)
        from uegr.compare.tuning import read_tuning, tune

        tuning, engine = read_tuning(self.path), _Counter()
        try:
            tune(tuning, Workspace(results_file, results / "no-runs"), engine)
        except StoppedError:
            finished_trials = len(tuning.searches[0].trials)
            return len(engine.cells) + (self.rounds - finished_trials - 1) * len(self.cells)
        return 0


@dataclass
class _Counter:
    """An engine that runs nothing: the search stops at its first trial with missing runs."""

    cells: list[Cell] = field(default_factory=list)

    def run(self, cells: Sequence[Cell], workspace: Workspace, on_event: OnEvent) -> None:
        self.cells = list(cells)


def read_comparison(path: Path) -> Comparison:
    """The comparison in a YAML file; one with search spaces is a search."""
    content = load_with_references(path)
    if not _is_tuning(content):
        grid = read_grid(path)
        return Comparison(path, grid.name, "compare", grid.cells)
    from uegr.compare.tuning import read_tuning

    tuning = read_tuning(path)
    cells = tuning.grid([search.item for search in tuning.searches]).cells
    return Comparison(path, tuning.name, "tune", cells, tuning.trials)


def _is_tuning(content: object) -> bool:
    """Whether a key stands in it that no grid has; the methods of a grid may have search spaces, too."""
    return isinstance(content, Mapping) and any(key in content for key in ("trials", "objective", "search"))
