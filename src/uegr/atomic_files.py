"""Write files so that a reader never sees a half-written one; write and read JSON."""

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from uegr.errors import UsageError
from uegr.locked_files import replace_file

STREAMS = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/")
"""Start of the paths of streams that are open already. /dev/shm is a folder like any other."""


def is_stream(path: Path) -> bool:
    """Whether a path is a pipe, a device, or the file that is open already as the output of the process."""
    return path.exists() and (not path.is_file() or os.path.abspath(path).startswith(STREAMS))


def temporary_beside(path: Path) -> Path:
    """Return a hidden name in the folder of `path` that no other process has: process ids repeat between containers."""
    return path.with_name(f".{path.name[:50]}.{secrets.token_hex(8)}.partial")


@contextmanager
def replacement(path: Path) -> Iterator[TextIO]:
    """Open a temporary file beside `path`, renamed at the end: a reader sees the old file or the new one.

    A link stays, and the file it leads to is replaced; the new file has the permissions of the old one. A pipe or a
    device is written to, as is the file that /dev/stdout leads to.
    """
    if is_stream(path):
        with path.open("a", encoding="utf-8", newline="") as opened:
            yield opened
        return
    target = link_target(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(target)
    try:
        with temporary.open("x", encoding="utf-8", newline="") as opened:
            if target.exists():
                with suppress(OSError):  # of file systems without permissions
                    shutil.copymode(target, temporary)
            yield opened
            opened.flush()
            _write_to_disk(opened)
        replace_file(temporary, target)
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(temporary)):
            raise
        raise type(error)(error.errno, error.strerror, str(path)) from error  # the name that the user knows
    finally:
        temporary.unlink(missing_ok=True)


def _write_to_disk(opened: TextIO) -> None:
    """Wait until the content is on the disk: after a power cut, some file systems have the new name and no content."""
    try:
        os.fsync(opened.fileno())
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a network file system that cannot do it
            raise


def link_target(path: Path) -> Path:
    """The file that a link leads to, or the absolute path of what is no link."""
    return Path(os.path.realpath(path))


def write_text(path: Path, text: str) -> None:
    """Write a text file; a reader sees the old text or the new one, never a part."""
    with replacement(path) as opened:
        opened.write(text)


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON; see `write_text`."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def read_json(file: Path, fix: str, *, is_object: bool = False, fault: str = "is not valid JSON") -> Any:
    """Return the content of a JSON file.

    Args:
        file: the file; an OSError is raised if it cannot be read.
        fix: what the user can do about a damaged file, the end of the message.
        is_object: whether the file must hold an object.
        fault: what the message says of a file that is not JSON.

    Raises:
        UsageError: the file is not JSON, or must hold an object and does not.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"'{file}' {fault} ({error}): {fix}.") from error
    if is_object and not isinstance(content, dict):
        raise UsageError(f"'{file}' holds {type(content).__name__} and not an object: {fix}.")
    return content
