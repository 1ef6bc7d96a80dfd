"""Digests of the files that a run was made of: to notice that a file is another one when the run is used again."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import xxhash

from uegr.errors import UsageError

BLOCK = 1 << 22
"""Bytes that are read at a time."""


def digests_of(files: Iterable[str | Path]) -> dict[str, str]:
    """Path -> hash of the content, for those that are files."""
    return {str(file): _digest(Path(file)) for file in files if Path(file).is_file()}


def check_unchanged(recorded: Mapping[str, str], fix: str) -> None:
    """Raise a UsageError where a file exists and has another content than recorded; `fix` says what to do."""
    for file, digest in recorded.items():
        if Path(file).is_file() and _digest(Path(file)) != digest:
            raise UsageError(f"'{file}' has changed since the training began: {fix}.")


def _digest(file: Path) -> str:
    digest = xxhash.xxh3_128()
    with file.open("rb") as opened:
        for block in iter(lambda: opened.read(BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()
