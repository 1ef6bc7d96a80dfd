"""The error of a full disk during training: which file could not be written, why, and how to continue."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from uegr.errors import StoppedError
from uegr.training.checkpoints import last_complete_checkpoint

COPIES = 6
"""A checkpoint holds weights and two moments; the one before it stays until the new one is whole."""
WRITERS = ("PytorchStreamWriter", "inline_container", "SafetensorError", "I/O error", "file write failed")
"""Parts of the messages of torch and safetensors when a file could not be written."""
READERS = ("PytorchStreamReader", "deserializing")
"""Parts of their messages when a damaged file is read."""
ALMOST_FULL = 2**20


@contextmanager
def disk_errors_explained(output_dir: Path, weights: int) -> Iterator[None]:
    """Turn the libraries' errors of a disk that is full, or cannot hold a file of that size, into one sentence.

    Args:
        output_dir: where the training writes.
        weights: bytes of the model's weights.

    Raises:
        StoppedError: a file could not be written; the last whole checkpoint is named.
    """
    try:
        yield
    except Exception as error:
        full = is_full(error, output_dir)
        if not full and not is_of_writer(error):
            raise
        file, checkpoint = _file_of(error, output_dir), last_complete_checkpoint(output_dir)
        start = (
            f"from {Path(checkpoint).name}, which is whole" if checkpoint else "from the start: no checkpoint is whole"
        )
        fault = (
            f"the disk of '{output_dir}' is full, while '{file}' was written: make room for "
            f"{COPIES * weights / 2**20:,.0f} MB"
            if full
            else f"'{file}' could not be written ({' '.join(str(error).split())}): see whether its disk is still there "
            "and takes files of its size"
        )
        raise StoppedError(fault, f", then continue with --resume {start}.") from error


def is_full(error: BaseException, folder: Path) -> bool:
    """Whether an error says that there is no room, or is a writer's error on a disk without room."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    text = f"{type(error).__name__} {error}"
    if "No space left" in text or "os error 28" in text or "Disk quota exceeded" in text:
        return True
    existing = next((path for path in (folder, *folder.parents) if path.is_dir()), None)
    full = existing is not None and shutil.disk_usage(existing).free < ALMOST_FULL
    return full and is_of_writer(error)


def is_of_writer(error: BaseException) -> bool:
    """Whether an error says that a file of a checkpoint could not be written."""
    text = f"{type(error).__name__} {error}"
    return any(writer in text for writer in WRITERS) and not any(reader in text for reader in READERS)


def _file_of(error: BaseException, folder: Path) -> str:
    """The file that an error names, or else the one that was written last."""
    if (name := getattr(error, "filename", None)) is not None:
        return str(name)
    files = [file for file in folder.rglob("*") if file.is_file()]
    return str(max(files, key=lambda file: file.stat().st_mtime_ns, default=folder))
