"""Run the cells of a study that have no result yet, for a given CPU time, and keep the results in one JSON file."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from uegr.atomic_files import write_json

CellT = TypeVar("CellT")
"""A frozen dataclass, whose fields are plain values."""


def run_cells(
    cells: Iterable[CellT],
    measured: Callable[[CellT], Mapping[str, Any]],
    path: Path,
    settings: Mapping[str, Any],
    minutes: float,
) -> None:
    """Measure the cells in order until the CPU time is used up; each result is written at once.

    Args:
        cells: dataclasses; a cell with a result is not repeated.
        measured: trains and measures one cell.
        path: the results: {"settings", "runs": [fields and measurements of a cell]}.
        settings: what all cells share.
        minutes: CPU time of this process. The last cell may exceed it.
    """
    deadline = time.process_time() + 60 * minutes
    runs: list[dict[str, Any]] = json.loads(path.read_text())["runs"] if path.exists() else []
    for cell in cells:
        fields = asdict(cell)  # type: ignore[call-overload]
        if any(all(run.get(name) == value for name, value in fields.items()) for run in runs):
            continue
        if time.process_time() > deadline:
            print("the time is used up; run again to continue", flush=True)
            return
        started = time.process_time()
        measurements = {**measured(cell), "seconds": time.process_time() - started}
        runs.append({**fields, **measurements})
        write_json(path, {"settings": dict(settings), "runs": runs})
        print(cell, measurements, flush=True)
