"""Engines that run the cells of a grid on this machine: one after another, or in processes of one thread each."""

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import FrameType
from typing import Any, Protocol

import torch

from uegr.compare.cell import Cell
from uegr.compare.workspace import Workspace, run_cell
from uegr.errors import StoppedError, UegrError
from uegr.libraries import silence_libraries
from uegr.training.stop_signals import on_signal


@dataclass(frozen=True)
class CellEvent:
    """The progress of a cell, or how it ended.

    Args:
        kind: while the cell runs "training", "attacking" or the name of a further attack; at its end "done", "failed"
            or "interrupted".
        done, total: steps or examples, while the cell runs.
        message: why the cell failed, in one line.
    """

    kind: str
    done: int = 0
    total: int = 0
    message: str = ""

    @property
    def final(self) -> bool:
        return self.kind in ("done", "failed", "interrupted")


OnEvent = Callable[[Cell, CellEvent], None]


class Engine(Protocol):
    """Runs cells in the given order, several at once if it can, and calls `on_event` with what happens to each."""

    def run(self, cells: Sequence[Cell], workspace: Workspace, on_event: OnEvent) -> None: ...


def attempt(cell: Cell, workspace: Workspace, on_event: Callable[[CellEvent], None]) -> CellEvent:
    """Run one cell and return the event of its end; a failure becomes an event and stops no other cell."""
    try:
        run_cell(cell, workspace, lambda kind, done, total: on_event(CellEvent(kind, done, total)))
    except StoppedError as error:
        return CellEvent("interrupted", message=error.reason)
    except UegrError as error:
        return CellEvent("failed", message=str(error))
    except ConnectionError:
        raise  # the grid's own process was killed
    except Exception as error:  # noqa: BLE001  # one cell's failure must not stop the grid
        return CellEvent("failed", message=f"{type(error).__name__}: {' '.join(str(error).split())}")
    finally:
        _return_freed_memory()
    return CellEvent("done")


def _return_freed_memory() -> None:
    """Give the memory of a finished cell back to the system.

    glibc keeps freed blocks that lie between used ones: a process with 0.5 GB in use held 2 GB after three cells, and
    more after each. Other C libraries have no such call.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


class Inline:
    """One cell after another, in this process, with all threads."""

    def run(self, cells: Sequence[Cell], workspace: Workspace, on_event: OnEvent) -> None:
        for cell in cells:
            event = attempt(cell, workspace, lambda event, cell=cell: on_event(cell, event))  # type: ignore[misc]
            on_event(cell, event)
            if event.kind == "interrupted":
                return


class Processes:
    """Several cells at once, each in a process of one thread: with few cores this runs more cells per hour than one
    cell on all of them.

    If a process dies, only its cell fails, and the next run of the grid continues the cell. If the grid's own process
    is killed, the others end at their next step. On a machine with several GPUs the processes take them in turn.

    After Ctrl-C no cell begins: a process that trains writes a checkpoint and ends, a measurement ends at once, and a
    cell that ends by then is kept.

    Args:
        jobs: the number of processes.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def run(self, cells: Sequence[Cell], workspace: Workspace, on_event: OnEvent) -> None:
        waiting = list(reversed(cells))
        workers: dict[Connection, tuple[int, Any, Cell]] = {}
        stopped = False

        def stop(_number: int, _frame: FrameType | None) -> None:
            nonlocal stopped
            stopped = True
            if os.name == "posix":  # on Windows this would kill them, and Ctrl-C reaches them anyway
                for _, process, _ in workers.values():
                    process.terminate()

        def assign(number: int, connection: Connection, process: Any) -> None:
            if waiting and not stopped:
                cell = waiting.pop()
                workers[connection] = (number, process, cell)
                if stopped:  # just now, before this process was among the workers
                    process.terminate()
                with suppress(ConnectionError):  # it has ended, which the next event says
                    connection.send(cell)
            else:
                connection.close()  # which ends the process

        with on_signal(stop):  # not a KeyboardInterrupt, which could come while half an event is read
            for number in range(min(self.jobs, len(cells))):
                assign(number, *_start(workspace, number))
            while workers:
                ready = wait(list(workers))
                for connection in [connection for connection in workers if connection in ready]:
                    number, process, cell = workers[connection]
                    event, alive = _next_event(connection, process)
                    if stopped and not alive:
                        event = CellEvent("interrupted", message="stopped at once")
                    on_event(cell, event)
                    if stopped or event.kind == "interrupted":
                        waiting.clear()
                    if event.final:
                        del workers[connection]
                        is_replaced = waiting and not alive
                        assign(number, *(_start(workspace, number) if is_replaced else (connection, process)))
        if stopped:
            raise KeyboardInterrupt


def _next_event(connection: Connection, process: Any) -> tuple[CellEvent, bool]:
    """Wait for what happens next to the cell of a process; return it, and whether the process is alive."""
    try:
        return connection.recv(), True
    except (EOFError, OSError):
        process.join()
        return CellEvent("failed", message=f"its process died (exit code {process.exitcode})"), False


def _start(workspace: Workspace, number: int) -> tuple[Connection, Any]:
    """Start a process that runs the cells sent over the connection; return the connection's other end and the process.

    Args:
        workspace: of the grid.
        number: of the process, from 0.
    """
    context = multiprocessing.get_context("spawn")
    connection, worker_connection = context.Pipe()
    changed = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", **one_gpu(number)}
    former = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)  # read when the process loads its libraries
    process = context.Process(target=_work, args=(worker_connection, workspace), daemon=True)
    process.start()
    for name, value in former.items():
        del os.environ[name]
        if value is not None:
            os.environ[name] = value
    worker_connection.close()
    return connection, process


def one_gpu(number: int) -> dict[str, str]:
    """The variable that shows a process one of several GPUs, of those that the user lets this machine use."""
    count = torch.cuda.device_count()
    if count < 2:
        return {}
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else [str(gpu) for gpu in range(count)]
    return {"CUDA_VISIBLE_DEVICES": names[number % count].strip()}


def _work(connection: Connection, workspace: Workspace) -> None:
    """Run cells until the connection closes."""
    silence_libraries()
    torch.set_num_threads(1)
    with suppress(EOFError, ConnectionError, KeyboardInterrupt), on_signal(signal.default_int_handler):
        while True:
            event = attempt(connection.recv(), workspace, connection.send)
            connection.send(event)
            if event.kind == "interrupted":
                return
