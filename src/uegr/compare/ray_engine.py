"""Cells on a Ray cluster: this machine's cores, or several machines that share a file system."""

import logging
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from uegr.compare.cell import Cell
from uegr.compare.local_engines import CellEvent, OnEvent, attempt
from uegr.compare.results_file import ResultsFile
from uegr.compare.workspace import Workspace
from uegr.errors import UsageError
from uegr.libraries import silence_libraries

RETRIES = 5
START_TRIES = 3
"""Ray gives its own processes half a minute to start, which is too short on a busy machine."""
PASSED_ON = (
    *("UEGR_DATA", "UEGR_MODELS"),
    *("HF_HOME", "HF_HUB_OFFLINE", "HF_TOKEN", "HF_ENDPOINT", "HF_DATASETS_CACHE"),
)
"""Environment variables that are copied to the workers."""


class RayCluster:
    """Each cell is a Ray task of one core and a share of the GPUs; Ray runs as many at once as fit.

    The task of a worker that died is repeated: the cell continues from its last checkpoint.

    The results file and the run folders must be visible to all machines under the same path.

    Args:
        jobs: number of cells at once on a cluster that is started here; None uses all cores. A running cluster is used
            where RAY_ADDRESS names it.
    """

    def __init__(self, jobs: int | None = None) -> None:
        if find_spec("ray") is None:
            raise UsageError("--engine ray needs Ray: pip install 'uegr[ray]'.")
        self.jobs, self.address = jobs, os.environ.get("RAY_ADDRESS")

    def run(self, cells: Sequence[Cell], workspace: Workspace, on_event: OnEvent) -> None:
        import ray
        from ray.util.queue import Queue

        started_here = not ray.is_initialized()
        if started_here:
            self._start(ray)
        try:
            absolute = replace(
                workspace, results=ResultsFile(workspace.results.path.resolve()), runs=workspace.runs.resolve()
            )
            share = gpu_share(ray.cluster_resources())
            task = ray.remote(num_cpus=1, num_gpus=share, max_retries=RETRIES)(run_on_worker)
            queue = Queue()
            pending = {task.remote(cell, absolute, queue): cell for cell in cells}
            while pending:
                ended, _ = ray.wait(list(pending), timeout=0.5)
                while not queue.empty():
                    on_event(*queue.get())
                for reference in ended:
                    on_event(pending.pop(reference), _result(ray, reference))
        finally:
            if started_here:
                ray.shutdown()

    def _start(self, ray: Any) -> None:
        """Connect to the cluster, or start one."""
        tries = 1 if self.address else START_TRIES
        for remaining in reversed(range(tries)):
            try:
                ray.init(
                    address=self.address,
                    num_cpus=None if self.address else self.jobs,
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    runtime_env={"env_vars": {name: os.environ[name] for name in PASSED_ON if name in os.environ}},
                )
                return
            except Exception:  # Ray raises no narrower class where its processes start too slowly
                ray.shutdown()
                if not remaining:
                    raise


def gpu_share(resources: Mapping[str, float]) -> float:
    """The part of a GPU that a cell gets: the GPUs divided among the cores, at most one each.

    Ray hides the GPUs from a task that asks for none.

    Args:
        resources: of the cluster, as `ray.cluster_resources()` returns them.
    """
    share = min(1.0, resources.get("GPU", 0.0) / max(1.0, resources.get("CPU", 1.0)))
    return math.floor(share * 1e4) / 1e4  # Ray counts in these steps


def run_on_worker(cell: Cell, workspace: Workspace, queue: Any) -> CellEvent:
    """Run a cell in a worker; Ray's process list shows this name."""
    silence_libraries()
    return attempt(cell, workspace, _thinned(lambda event: queue.put((cell, event))))


def _thinned(on_event: Callable[[CellEvent], None]) -> Callable[[CellEvent], None]:
    """Pass on the first event, the last, and about twenty in between: each is a message over the network."""

    def thin(event: CellEvent) -> None:
        if event.done in (1, event.total) or event.done % max(1, event.total // 20) == 0:
            on_event(event)

    return thin


def _result(ray: Any, reference: Any) -> CellEvent:
    try:
        event: CellEvent = ray.get(reference)
    except ray.exceptions.RayError as error:
        return CellEvent("failed", message=f"{type(error).__name__} after {RETRIES} new tries")
    return event
