"""One training at a time in a run folder: a second one would overwrite or remove the checkpoints of the first."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from uegr.errors import UsageError
from uegr.training.processes import is_first_process

LOCK = ".lock"


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


def content_of(folder: Path) -> list[Path]:
    """What is in a run folder, without its lock."""
    return [path for path in folder.iterdir() if path.name != LOCK]
