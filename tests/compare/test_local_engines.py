from __future__ import annotations

import os
import platform
import signal
import time
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from support.compare_samples import runs_without_times, tiny_grid, workspace
from uegr.compare import local_engines
from uegr.compare.cell import Cell
from uegr.compare.grid import Grid
from uegr.compare.grid_runner import run_grid, unfinished
from uegr.compare.local_engines import CellEvent, Inline, Processes, attempt, one_gpu
from uegr.compare.workspace import Workspace
from uegr.errors import StoppedError


def say_gpus(connection: Connection, _workspace: Workspace) -> None:
    """What a process does here in the place of a cell: it says which GPUs it sees."""
    connection.recv()
    connection.send(CellEvent("done", message=os.environ.get("CUDA_VISIBLE_DEVICES", "all")))


@pytest.mark.parametrize(
    ("count", "visible", "expected"),
    [(0, None, [None] * 3), (1, "4", [None] * 3), (2, None, ["0", "1", "0"]), (2, "5, GPU-6f", ["5", "GPU-6f", "5"])],
)
def test_a_process_sees_one_of_several_gpus(
    count: int, visible: str | None, expected: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [one_gpu(number).get("CUDA_VISIBLE_DEVICES") for number in range(3)] == expected


def test_processes_take_the_gpus_in_turn(model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(local_engines, "_work", say_gpus)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    seen: list[str] = []
    cells = tiny_grid(model_folder, tmp_path).cells[:2]
    Processes(2).run(cells, workspace(tmp_path), lambda cell, event: seen.append(event.message))
    assert sorted(seen) == ["5", "7"]
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "5,7"


def test_a_killed_process_loses_nothing(model_folder: Path, tmp_path: Path) -> None:
    """SIGKILL within a cell: the cell is reported, the next runs in a new process, and a second run finishes."""
    grid = tiny_grid(model_folder, tmp_path)
    some = Grid("some", grid.cells[1:3])
    where = workspace(tmp_path / "processes")
    killed: list[int] = []

    def kill(cell: Cell, event: CellEvent) -> None:
        if cell == some.cells[0] and event.kind == "training" and event.done == 10 and not killed:
            import multiprocessing

            killed.extend(process.pid for process in multiprocessing.active_children() if process.pid)
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    failures = run_grid(some, where, Processes(1), kill)
    assert len(killed) == 1 and len(failures) == 1 and "exit code -9" in failures[0]
    assert unfinished(some, where) == [some.cells[0]]
    run_grid(some, where, Inline())
    first, alone = Grid("first", some.cells[:1]), workspace(tmp_path / "inline")
    run_grid(first, alone, Inline())
    assert runs_without_times(first, where) == runs_without_times(first, alone) != []


def test_a_connection_may_be_of_any_class(model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows a pipe's ends are of PipeConnection, a class beside Connection."""

    class End:
        def __init__(self) -> None:
            self.sent: list[Cell] = []

        def send(self, cell: Cell) -> None:
            self.sent.append(cell)

        def recv(self) -> CellEvent:
            return CellEvent("done")

        def close(self) -> None: ...

    ends: list[End] = []

    def start(_where: object, _number: int) -> tuple[End, None]:
        ends.append(End())
        return ends[-1], None

    monkeypatch.setattr(local_engines, "_start", start)
    monkeypatch.setattr(local_engines, "wait", lambda connections: connections)
    cells, done = tiny_grid(model_folder, tmp_path).cells, []
    Processes(2).run(cells, workspace(tmp_path), lambda cell, event: done.append((cell, event.kind)))
    assert sorted(cells.index(cell) for cell, kind in done if kind == "done") == [0, 1, 2, 3]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives freed memory back on demand")
def test_the_memory_of_a_finished_cell_goes_back_to_the_system(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Freed blocks that lie between used ones stay with the process otherwise, and it grows with each cell."""

    def resident_bytes() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    monkeypatch.setattr(local_engines, "run_cell", lambda *_arguments: None)
    blocks = [bytes([1]) * 100_000 for _ in range(1000)]
    del blocks[::2]
    before = resident_bytes()
    event = attempt(tiny_grid(model_folder, tmp_path).cells[0], workspace(tmp_path), lambda event: None)
    assert event.kind == "done"
    assert resident_bytes() < before - 30e6


def work_until_a_signal(connection: Connection, _workspace: Workspace) -> None:
    """One process ends its cell although it is asked to stop, one writes a checkpoint, and one ends at once."""
    cell = connection.recv()
    if cell.seed == 0:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    connection.send(CellEvent("training", 1, 2))
    if cell.seed == 1:
        time.sleep(60)
    asked = signal.sigtimedwait({signal.SIGTERM}, 60)
    connection.send(CellEvent("done" if cell.method == "plain" and asked else "interrupted"))
    connection.poll(60)  # for the next cell


@pytest.mark.skipif(os.name != "posix", reason="only there a process is asked to stop by a signal")
def test_a_signal_to_the_process_of_the_grid_stops_all(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_engines, "_work", work_until_a_signal)
    cells, events = tiny_grid(model_folder, tmp_path).cells, []

    def stop(cell: Cell, event: CellEvent) -> None:
        events.append((cells.index(cell), event))
        if len(events) == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        Processes(3).run(cells, workspace(tmp_path), stop)
    ends = {index: event for index, event in events if event.final}
    assert {index: event.kind for index, event in ends.items()} == {0: "done", 1: "interrupted", 2: "interrupted"}
    assert ends[2].message == "stopped at once"


def test_a_process_that_dies_while_it_sends_is_reported() -> None:
    connection, worker_connection = Pipe()
    os.write(worker_connection.fileno(), b"\x00\x00\x00\x64half")
    worker_connection.close()
    process = SimpleNamespace(join=lambda: None, exitcode=-9)
    event, alive = local_engines._next_event(connection, process)
    assert (event.kind, event.message, alive) == ("failed", "its process died (exit code -9)", False)


def test_why_a_cell_was_stopped_is_said_without_an_option_of_another_command(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoppedError("the disk is full: make room", ", then continue with --resume.")

    monkeypatch.setattr(local_engines, "run_cell", full)
    event = attempt(tiny_grid(model_folder, tmp_path).cells[0], workspace(tmp_path), lambda event: None)
    assert event == CellEvent("interrupted", message="the disk is full: make room")
