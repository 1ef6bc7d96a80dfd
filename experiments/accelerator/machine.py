"""The machine: how many runs it takes at once, and processes that end in time."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import FrameType

import torch

from uegr.training.stop_signals import on_signal

GRACE = 30.0
"""Seconds in which a run writes a checkpoint and ends."""
MEMORY_PER_JOB = 4 * 2**30
"""Bytes on the card: an upper estimate for an encoder of up to 110 M parameters, batch size 32, several passes."""


def jobs_at_once() -> int:
    """One per core, as far as the memory of the card allows."""
    cores = len(os.sched_getaffinity(0))
    if not torch.cuda.is_available():
        return cores
    free, _ = torch.cuda.mem_get_info(0)
    return max(1, min(cores, free // MEMORY_PER_JOB))


class StopRequest:
    """Whether the processes are to stop: the time is over, or a SIGINT or SIGTERM came.

    A signal only sets a flag: an exception out of a handler could leave a lock of the standard library locked.

    Args:
        deadline: on the clock of `time.monotonic`.
    """

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.signalled = False

    @property
    def made(self) -> bool:
        return self.signalled or time.monotonic() >= self.deadline

    def listening(self) -> AbstractContextManager[None]:
        """A context in which the signals are heard."""
        return on_signal(self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.signalled = True


def run_until(command: list[str], folder: Path, stop: StopRequest) -> None:
    """Run a command in a process group of its own until it ends or is to stop.

    The group then gets SIGINT, which ends runs at their next step; what is left after `GRACE` seconds is killed.

    Args:
        command: its arguments.
        folder: the working folder.
        stop: looked at several times per second.
    """
    process = subprocess.Popen(command, cwd=folder, start_new_session=True)  # noqa: S603
    _wait(process, lambda: stop.made)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
        end = time.monotonic() + GRACE
        _wait(process, lambda: time.monotonic() >= end)
    with suppress(ProcessLookupError):  # no process of the group is left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait(process: subprocess.Popen[bytes], enough: Callable[[], bool]) -> None:
    while process.poll() is None and not enough():
        time.sleep(0.1)
