"""Digests of the files that a run was trained on, to notice later that a file has changed."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import xxhash

from uegr.errors import UsageError


def digests_of(files: Iterable[str | Path]) -> dict[str, str]:
    """Path -> hash of the content, for those that are files."""
    return {str(file): _digest(Path(file)) for file in files if Path(file).is_file()}


def check_unchanged(recorded: Mapping[str, str], fix: str) -> None:
    """Raise a UsageError where a file exists and has another content than recorded; `fix` says what to do."""
    for file, digest in recorded.items():
        if Path(file).is_file() and _digest(Path(file)) != digest:
            raise UsageError(f"'{file}' has changed since the training began: {fix}.")


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, xxhash.xxh3_128).hexdigest()
