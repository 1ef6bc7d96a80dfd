"""The errors a user can mend. Each message is one sentence that names the fix."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UegrError(Exception):
    """Base of every error raised on purpose; the command line prints it without a traceback."""


class UsageError(UegrError, ValueError):
    """Something handed to uegr (an option, a file, a model) cannot work. Exit code 2."""


class TrainingError(UegrError, RuntimeError):
    """Training could not go on, although what was asked for was valid. Exit code 1."""


class StoppedError(TrainingError):
    """Somebody stopped the training; it can go on from a checkpoint."""


def unknown(kind: str, name: object, known: Iterable[str]) -> UsageError:
    """The error for a name that is not among the known ones; it offers the nearest."""
    names = list(known)
    close = difflib.get_close_matches(str(name), names, n=1)
    hint = f" (did you mean '{close[0]}'?)" if close else ""
    return UsageError(f"unknown {kind} '{name}'{hint}: choose one of {', '.join(names)}.")
