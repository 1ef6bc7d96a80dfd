"""Cells on a Ray cluster: this machine's cores, or the machines of a cluster that share a file system."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from uegr.compare.cell import Cell
from uegr.compare.local_engines import CellEvent, OnEvent, attempt
from uegr.compare.workspace import Workspace
from uegr.errors import UsageError
from uegr.libraries import silence_libraries
from uegr.training.allocator import keep_freed_memory

RETRIES = 5
PASSED_ON = ("UEGR_DATA", "UEGR_MODELS", "HF_HOME", "HF_HUB_OFFLINE")
"""Environment variables that a worker needs as the driver has them."""


class RayCluster:
    """Each cell is a Ray task of one core; Ray runs as many at once as there are cores, and again what a dead
    worker left: the cell goes on from its last checkpoint.

    The folders of results and runs must be seen by all machines under the same path.

    Args:
        jobs: cells at once on a cluster that is started here, None takes all cores.
        address: of a running cluster, as for `ray.init`; None takes RAY_ADDRESS, or starts one on this machine.
    """

    def __init__(self, jobs: int | None = None, address: str | None = None) -> None:
        if find_spec("ray") is None:
            raise UsageError("--engine ray needs Ray: pip install 'uegr[ray]'.")
        self.jobs, self.address = jobs, address or os.environ.get("RAY_ADDRESS")

    def run(self, cells: Sequence[Cell], workspace: Workspace, on_event: OnEvent) -> None:
        import ray
        from ray.util.queue import Queue

        ours = not ray.is_initialized()
        if ours:
            ray.init(
                address=self.address,
                num_cpus=None if self.address else self.jobs,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env={"env_vars": {name: os.environ[name] for name in PASSED_ON if name in os.environ}},
            )
        try:
            there = replace(
                workspace,
                ledger=replace(workspace.ledger, folder=workspace.ledger.folder.resolve()),
                runs=workspace.runs.resolve(),
            )
            task = ray.remote(num_cpus=1, max_retries=RETRIES)(run_on_worker)
            queue = Queue()
            pending = {task.remote(cell, there, queue): cell for cell in cells}
            while pending:
                ended, _ = ray.wait(list(pending), timeout=0.5)
                while not queue.empty():
                    on_event(*queue.get())
                for one in ended:
                    on_event(pending.pop(one), _result(ray, one))
        finally:
            if ours:
                ray.shutdown()


def run_on_worker(cell: Cell, workspace: Workspace, queue: Any) -> CellEvent:
    """What a worker does with a cell; Ray shows it under this name."""
    silence_libraries()
    keep_freed_memory()
    return attempt(cell, workspace, _thinned(lambda event: queue.put((cell, event))))


def _thinned(tell: Callable[[CellEvent], None], parts: int = 20) -> Callable[[CellEvent], None]:
    """Pass on the first, the last and some twenty event of each kind between: each is a message over the network."""

    def thin(event: CellEvent) -> None:
        if event.done in (1, event.total) or event.done % max(1, event.total // parts) == 0:
            tell(event)

    return thin


def _result(ray: Any, reference: Any) -> CellEvent:
    try:
        event: CellEvent = ray.get(reference)
    except ray.exceptions.RayError as error:
        return CellEvent("failed", message=f"{type(error).__name__} after {RETRIES} new tries")
    return event
