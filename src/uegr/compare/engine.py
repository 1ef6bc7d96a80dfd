"""Engines: who runs the cells of a grid. Here one after another, or in processes of one thread each."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

import torch

from uegr.allocator import keep_freed_memory
from uegr.compare.cell import Cell
from uegr.compare.place import Place, run_cell
from uegr.errors import StoppedError, UegrError
from uegr.terminal import quieten


@dataclass(frozen=True)
class News:
    """What happens to a cell: how far it is, or how it ended.

    Args:
        kind: "training", "attacking" or the name of a further attack while it runs; "done", "failed" or "interrupted"
            at its end.
        done, total: steps or examples, while it runs.
        message: why it failed, one line.
    """

    kind: str
    done: int = 0
    total: int = 0
    message: str = ""

    @property
    def final(self) -> bool:
        return self.kind in ("done", "failed", "interrupted")


Hear = Callable[[Cell, News], None]


class Engine(Protocol):
    """Runs cells in the given order, as far as it can at once, and tells what happens to each."""

    def run(self, cells: Sequence[Cell], place: Place, hear: Hear) -> None: ...


def attempt(cell: Cell, place: Place, hear: Callable[[News], None]) -> News:
    """Run one cell; whatever goes wrong in it stays in it.

    Returns:
        The news of its end.
    """
    try:
        run_cell(cell, place, lambda what, done, total: hear(News(what, done, total)))
    except StoppedError as error:
        return News("interrupted", message=str(error))
    except UegrError as error:
        return News("failed", message=str(error))
    except (BrokenPipeError, ConnectionError):
        raise  # nobody listens any more: the grid was killed
    except Exception as error:  # noqa: BLE001  # one cell's failure must not stop the grid
        return News("failed", message=f"{type(error).__name__}: {' '.join(str(error).split())}")
    return News("done")


class Inline:
    """One cell after another, in this process, with all threads."""

    def run(self, cells: Sequence[Cell], place: Place, hear: Hear) -> None:
        for cell in cells:
            news = attempt(cell, place, lambda news, cell=cell: hear(cell, news))  # type: ignore[misc]
            hear(cell, news)
            if news.kind == "interrupted":
                return


class Processes:
    """Several cells at once, each in a process of one thread: on few cores more cells an hour than one with all.

    A process that dies takes only its own cell with it, which is reported as failed and is gone on with in the
    next run of the grid; a process whose grid was killed ends by itself at its next step.

    Args:
        jobs: how many.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def run(self, cells: Sequence[Cell], place: Place, hear: Hear) -> None:
        waiting = list(reversed(cells))
        stopping = False
        workers: dict[Connection, tuple[Any, Cell]] = {}

        def give(connection: Connection, process: Any) -> None:
            if waiting and not stopping:
                workers[connection] = (process, waiting.pop())
                connection.send(workers[connection][1])
            else:
                connection.close()  # the process ends on that

        try:
            for _ in range(min(self.jobs, len(cells))):
                give(*_start(place))
            while workers:
                for connection in wait(list(workers)):
                    assert isinstance(connection, Connection)
                    process, cell = workers[connection]
                    try:
                        news: News = connection.recv()
                    except (EOFError, ConnectionError):
                        process.join()
                        news = News("failed", message=f"its process died (exit code {process.exitcode})")
                        del workers[connection]
                        if waiting and not stopping:
                            give(*_start(place))
                    hear(cell, news)
                    stopping = stopping or news.kind == "interrupted"
                    if news.final and connection in workers:
                        del workers[connection]
                        give(connection, process)
        except KeyboardInterrupt:
            # Ctrl-C reaches the processes, too: each writes a checkpoint and says so.
            for process, _ in workers.values():
                process.join()
            raise


def _start(place: Place) -> tuple[Connection, Any]:
    """A fresh process that runs the cells that come over the connection."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    threads = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    os.environ.update(dict.fromkeys(threads, "1"))  # read when the process loads its libraries
    process = context.Process(target=_work, args=(theirs, place), daemon=True)
    process.start()
    for name, value in threads.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})
    theirs.close()
    return ours, process


def _work(connection: Connection, place: Place) -> None:
    """Run cells until the connection closes."""
    quieten()
    keep_freed_memory()
    torch.set_num_threads(1)
    try:
        while True:
            news = attempt(connection.recv(), place, connection.send)
            connection.send(news)
            if news.kind == "interrupted":
                return
    except (EOFError, ConnectionError, BrokenPipeError, KeyboardInterrupt):
        return
