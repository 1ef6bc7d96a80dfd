"""The handlers of signals are set for a time, where Python can set and restore them."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from uegr.training.stop_signals import SIGNALS, on_signal


def handlers() -> list[Any]:
    return [signal.getsignal(number) for number in SIGNALS]


def test_signals_are_handled_for_a_time() -> None:
    received: list[int] = []
    former = handlers()
    with on_signal(lambda number, frame: received.append(number)):
        for number in SIGNALS:
            signal.raise_signal(number)
    assert received == list(SIGNALS) and handlers() == former


def test_outside_the_main_thread_no_handler_is_set() -> None:
    """As in Streamlit or a Celery worker: signals are theirs."""

    def train() -> list[Any]:
        with on_signal(lambda number, frame: None):
            return handlers()

    former = handlers()
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(train).result() == former == handlers()


def test_a_handler_of_c_code_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python knows it as None, and could not restore it."""
    former, getsignal = signal.getsignal(signal.SIGTERM), signal.getsignal
    monkeypatch.setattr("signal.getsignal", lambda number: None if number == signal.SIGTERM else getsignal(number))
    with on_signal(lambda number, frame: None):
        assert getsignal(signal.SIGTERM) == former and getsignal(signal.SIGINT) != former


def test_a_signal_that_is_ignored_stays_so() -> None:
    """As Ctrl-C does for `uegr ... &` in a script."""
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with on_signal(lambda number, frame: pytest.fail("handled")):
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, former)
