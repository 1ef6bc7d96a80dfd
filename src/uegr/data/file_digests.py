"""Digests of the files and of the model folder that a run was made of, to notice later that they have changed."""

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import xxhash

from uegr.errors import UsageError

FILES_OF_MODEL = (
    "*.safetensors",
    "*.bin",
    "config.json",
    "tokenizer*.json",
    "*.model",
    "vocab.*",
    "merges.txt",
    "*.py",
)
"""The files that make a model; notes and results in its folder do not."""


def digests_of(files: Iterable[str | Path]) -> dict[str, str]:
    """Path -> hash of the content, for those that are files."""
    return {str(file): _digest(Path(file)) for file in files if Path(file).is_file()}


def check_unchanged(recorded: Mapping[str, str], fix: str) -> None:
    """Raise a UsageError where a file or model folder exists and has another content than recorded.

    Args:
        recorded: path -> hash, of `digests_of` for files and of `digest_of_folder` for model folders.
        fix: what the user can do, the end of the message.
    """
    for path, digest in recorded.items():
        if Path(path).exists() and _digest(Path(path)) != digest:
            raise UsageError(f"'{path}' has changed since the training began: {fix}.")


def _digest(path: Path) -> str:
    if path.is_dir():
        return digest_of_folder(path)
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, xxhash.xxh3_128).hexdigest()


def digest_of_folder(folder: Path) -> str:
    """SHA-256 of the files that make a model."""
    files = sorted({file for pattern in FILES_OF_MODEL for file in folder.glob(pattern) if file.is_file()})
    digests = {file.name: sha256_of(file) for file in files}
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()


def sha256_of(file: Path) -> str:
    """SHA-256 of a file, cached while it does not change: every cell of a grid needs it.

    Raises:
        UsageError: there is no such file.
    """
    if not file.is_file():
        raise UsageError(f"there is no file '{file}': check the path.")
    state = file.stat()
    return _sha256_of(file, state.st_mtime_ns, state.st_size)


@functools.cache
def _sha256_of(file: Path, changed: int, size: int) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
