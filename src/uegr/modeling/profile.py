"""Which part of a step the time goes to: names that a clock listens to, and that cost nothing while none does."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch

_CLOCK: ContextVar[defaultdict[str, float] | None] = ContextVar("uegr_clock", default=None)


@contextmanager
def profile_section(name: str) -> Iterator[None]:
    """Name what runs in this context; parts must not lie in one another."""
    clock = _CLOCK.get()
    if clock is None:
        yield
        return
    start = now()
    yield
    clock[name] += now() - start


@contextmanager
def profiled() -> Iterator[defaultdict[str, float]]:
    """A clock over the parts that run in this context: name -> seconds."""
    clock: defaultdict[str, float] = defaultdict(float)
    token = _CLOCK.set(clock)
    try:
        yield clock
    finally:
        _CLOCK.reset(token)


def now() -> float:
    """Seconds, when all work given to an accelerator so far is done."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()
