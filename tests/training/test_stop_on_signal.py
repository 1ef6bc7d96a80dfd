"""A signal stops a training after its step, in all processes after the same one."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import TrainerControl, TrainerState, TrainingArguments

from uegr.training.stop_on_signal import StopOnSignal


@pytest.mark.parametrize(("processes", "here", "elsewhere"), [(1, 0, 1), (1, 1, 0), (2, 0, 0), (2, 0, 1), (2, 1, 0)])
def test_a_signal_in_any_process_stops_all(
    processes: int, here: int, elsewhere: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def all_reduce(requested: Tensor, operation: object) -> None:
        assert operation == torch.distributed.ReduceOp.MAX
        requested.clamp_(min=elsewhere)

    monkeypatch.setattr(torch.distributed, "all_reduce", all_reduce)
    arguments = TrainingArguments(str(tmp_path), use_cpu=True, report_to=[])
    monkeypatch.setenv("WORLD_SIZE", str(processes))
    stop, control = StopOnSignal(), TrainerControl()
    stop.requested = bool(here)
    stop.on_step_end(arguments, TrainerState(global_step=3, max_steps=9), control)
    assert control.should_save is control.should_training_stop is bool(here or (elsewhere and processes > 1))


def test_only_a_second_signal_of_the_same_kind_stops_at_once() -> None:
    """The process of a grid gets Ctrl-C from the terminal, and SIGTERM from the process that has started it."""
    stop = StopOnSignal()
    with stop.listening():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
