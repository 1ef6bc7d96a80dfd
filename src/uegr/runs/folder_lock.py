"""The locks of a run folder: of its training, and of the moments in which its results change.

Two trainings would overwrite or remove the checkpoints of each other. Of two commands that measure the run, the one
that writes later would remove what the other has written since both read results.json.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from uegr.errors import UsageError
from uegr.training.processes import is_first_process

LOCK, RESULTS_LOCK = ".lock", ".results.lock"
LONGEST_WAIT = 30.0
"""Seconds."""


@contextmanager
def only_training(folder: Path) -> Iterator[None]:
    """Hold the lock of a run folder. The system releases it however the process ends, also after kill -9.

    Of the processes that train together the first one holds it. On a file system without locks nothing is held.

    Raises:
        UsageError: another training has the lock.
    """
    if not is_first_process():
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UsageError(
            f"another process trains in '{folder}': wait until it has ended, or choose another --output_dir."
        ) from None
    except (OSError, NotImplementedError):  # no locks there, or no permission, which the training itself will meet
        pass
    try:
        yield
    finally:
        if lock.is_locked:
            lock.release()
            lock_file = folder / LOCK
            lock_file.unlink(missing_ok=True)


@contextmanager
def only_change(folder: Path) -> Iterator[None]:
    """Wait until no other process changes the results of a run or removes them, and keep the others waiting.

    The lock file stays in the folder: a process that waits at a removed file would not keep out the next one. Nothing
    is held on a file system without locks, and after a wait of `LONGEST_WAIT`: a change takes a moment, so the lock is
    then one that a killed process of another machine has left.
    """
    lock = FileLock(folder / RESULTS_LOCK)
    with suppress(OSError, NotImplementedError):  # no locks there, or no permission, which the change itself will meet
        lock.acquire(timeout=LONGEST_WAIT)
    try:
        yield
    finally:
        lock.release()


def content_of(folder: Path) -> list[Path]:
    """What is in a run folder, without its locks."""
    return [path for path in folder.iterdir() if path.name not in (LOCK, RESULTS_LOCK)]
