"""Why a model or tokenizer could not be opened: what the libraries' errors mean, and what to do."""

from collections.abc import Iterator
from pathlib import Path

from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

NOT_FOUND = (
    HFValidationError,  # the path of a folder that does not exist is not a valid name on the hub
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    ConnectionError,
    TimeoutError,
)
PACKAGES = ("sentencepiece", "tiktoken", "protobuf", "pip install")
"""Parts of messages that name a package which is not installed."""
LONGEST = 300
"""The libraries' messages are cut to this number of characters."""


def reason_of(error: Exception) -> str:
    """The message of an error, in one line."""
    return " ".join(str(error).split())[:LONGEST].rstrip(".:; ")


def is_not_found(path: str, error: Exception) -> bool:
    """Whether there is no such folder, and no such model on a hub that can be reached."""
    if Path(path).is_dir() or _is_gated(error):
        return False
    return Path(path).is_file() or any(isinstance(cause, NOT_FOUND) for cause in _causes(error))


def remedy_for(path: str, error: Exception) -> str:
    """What to do about an error."""
    reason = str(error)
    if _is_gated(error):
        return "ask for access on its page of the hub, and log in with hf auth login"
    if isinstance(error, ImportError) or any(package in reason for package in PACKAGES):
        return "install the package that is named"
    if Path(path).is_dir():
        return "save it again"
    return "correct what is named, or give the path of a folder with its files"


def _is_gated(error: Exception) -> bool:
    """Whether the owner of the model must grant access to it; the error is also a RepositoryNotFoundError."""
    return any(isinstance(cause, GatedRepoError) for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
