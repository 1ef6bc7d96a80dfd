"""The signals that ask a program to stop."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def on_signal(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Handle Ctrl-C and SIGTERM with `handler` in this context, and restore their former handlers afterwards.

    Outside the main thread Python cannot set a handler, so signals stay with the surrounding program.
    """
    former = {number: signal.signal(number, handler) for number in SIGNALS if _can_be_set(number)}
    try:
        yield
    finally:
        for number, former_handler in former.items():
            signal.signal(number, former_handler)


def _can_be_set(number: int) -> bool:
    """Whether a handler can be set and the former one restored; one that C code has set is None to Python.

    A signal that is ignored stays so: a shell without a terminal starts `uegr ... &` with Ctrl-C ignored.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    return in_main_thread and signal.getsignal(number) not in (None, signal.SIG_IGN)
