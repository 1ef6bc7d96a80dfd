"""Cells on a Ray cluster: this machine's cores, or the machines of a cluster that share a file system."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from uegr.allocator import keep_freed_memory
from uegr.compare.cell import Cell
from uegr.compare.engine import Hear, News, attempt
from uegr.compare.place import Place
from uegr.errors import UsageError
from uegr.terminal import quieten

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

    def run(self, cells: Sequence[Cell], place: Place, hear: Hear) -> None:
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
                place, ledger=replace(place.ledger, folder=place.ledger.folder.resolve()), runs=place.runs.resolve()
            )
            task = ray.remote(num_cpus=1, max_retries=RETRIES)(run_on_worker)
            queue = Queue()
            pending = {task.remote(cell, there, queue): cell for cell in cells}
            while pending:
                ended, _ = ray.wait(list(pending), timeout=0.5)
                while not queue.empty():
                    hear(*queue.get())
                for one in ended:
                    hear(pending.pop(one), _result(ray, one))
        finally:
            if ours:
                ray.shutdown()


def run_on_worker(cell: Cell, place: Place, queue: Any) -> News:
    """What a worker does with a cell; Ray shows it under this name."""
    quieten()
    keep_freed_memory()
    return attempt(cell, place, _thinned(lambda news: queue.put((cell, news))))


def _thinned(tell: Callable[[News], None], parts: int = 20) -> Callable[[News], None]:
    """Pass on the first, the last and some twenty news of each kind between: each is a message over the network."""

    def thin(news: News) -> None:
        if news.done in (1, news.total) or news.done % max(1, news.total // parts) == 0:
            tell(news)

    return thin


def _result(ray: Any, reference: Any) -> News:
    try:
        news: News = ray.get(reference)
    except ray.exceptions.RayError as error:
        return News("failed", message=f"{type(error).__name__} after {RETRIES} new tries")
    return news
