"""The time of the parts of a step: named sections, which cost nothing unless they are measured."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch

_CLOCK: ContextVar[defaultdict[str, float] | None] = ContextVar("uegr_clock", default=None)


@contextmanager
def profile_section(name: str) -> Iterator[None]:
    """Name what runs in this context; sections must not be nested."""
    clock = _CLOCK.get()
    if clock is None:
        yield
        return
    start = now()
    yield
    clock[name] += now() - start


@contextmanager
def profiled() -> Iterator[defaultdict[str, float]]:
    """Measure the sections that run in this context: name -> seconds."""
    clock: defaultdict[str, float] = defaultdict(float)
    token = _CLOCK.set(clock)
    try:
        yield clock
    finally:
        _CLOCK.reset(token)


def now() -> float:
    """Seconds, after all work on the accelerator is done."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()
