"""The machine: how many runs it takes at once, and processes that end in time."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import torch

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


def run_until(command: list[str], folder: Path, deadline: float) -> bool:
    """Run a command in a process group of its own, and stop the whole group at the deadline or on a signal.

    The group gets SIGINT, which ends runs at their next step; what is left after `GRACE` seconds is killed.

    Args:
        command: its arguments.
        folder: the working folder.
        deadline: on the clock of `time.monotonic`.

    Returns:
        Whether the command came to its end.
    """
    process = subprocess.Popen(command, cwd=folder, start_new_session=True)  # noqa: S603
    try:
        process.wait(timeout=max(0.0, deadline - time.monotonic()))
        return True
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        _signal_group(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=GRACE)
        return False
    finally:
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


@contextmanager
def one_interrupt() -> Iterator[None]:
    """In this context the first SIGINT or SIGTERM is a KeyboardInterrupt and later ones are ignored: programs such as
    timeout send two."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    numbers = (signal.SIGINT, signal.SIGTERM)
    former = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
