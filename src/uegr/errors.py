"""The errors that a user can fix. Each message is one sentence that names the fix.

Every function that reads a user's input may raise a `UsageError`; docstrings say so only in the public API.
"""

import difflib
from collections.abc import Iterable

OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
"""Parts of the messages of a plain RuntimeError that PyTorch raises where memory is missing."""


class UegrError(Exception):
    """Base of every error raised on purpose; the command line prints it without a traceback."""


class UsageError(UegrError, ValueError):
    """An input (an option, a file, a model) cannot be used. Exit code 2."""


class TrainingError(UegrError, RuntimeError):
    """Training could not continue although its inputs were valid. Exit code 1."""


class StoppedError(TrainingError):
    """The training was stopped from outside; it can be resumed from a checkpoint.

    Args:
        reason: what has stopped it.
        continuation: the rest of the sentence, which says how to continue. A grid continues in another way than a
            single training, and shows the reason only.
    """

    def __init__(self, reason: str, continuation: str = "") -> None:
        super().__init__(reason, continuation)
        self.reason = reason

    def __str__(self) -> str:
        return "".join(self.args)


class UegrWarning(UserWarning):
    """Training differs from what the user may expect. Shown even where library messages are silenced."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the GPU or this machine has not enough memory; torch is not imported to see it."""
    if isinstance(error, MemoryError) or any(base.__name__ == "OutOfMemoryError" for base in type(error).__mro__):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY)


def unknown(kind: str, name: object, choices: Iterable[str], otherwise: str = "") -> UsageError:
    """Return the error for a name that is not one of the choices; the message suggests the most similar one.

    Args:
        kind: what is named, such as "method".
        name: the name that was given.
        choices: the names that exist.
        otherwise: what else the user can do, as the end of the sentence.
    """
    names = list(choices)
    fix = f"choose one of {', '.join(names)}{otherwise}"
    return UsageError(f"unknown {kind} '{name}'{suggestion(name, names)}: {fix}.")


def shown(value: object) -> str:
    """A value of the wrong type in a message: a name as it is written, anything else by its type."""
    if isinstance(value, str):
        return repr(value)
    return f"the class {value.__name__}" if isinstance(value, type) else f"an object of {type(value).__name__}"


def suggestion(name: object, choices: Iterable[str]) -> str:
    """Return " (did you mean 'NAME'?)" with the most similar choice, or "" if none is similar."""
    similar = difflib.get_close_matches(str(name), list(choices), n=1)
    return f" (did you mean '{similar[0]}'?)" if similar else ""
