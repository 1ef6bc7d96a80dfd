"""Stop a training cleanly: finish the current step, write a checkpoint, and stop."""

from contextlib import AbstractContextManager
from types import FrameType
from typing import Any

import torch
import torch.distributed
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from uegr.training.processes import process_count
from uegr.training.stop_signals import on_signal


class StopOnSignal(TrainerCallback):
    """After the first Ctrl-C (or SIGTERM) the Trainer saves and stops; a second Ctrl-C stops it at once.

    Attributes:
        requested: whether a signal has asked the training to stop.
    """

    def __init__(self) -> None:
        self.requested = False

    def listening(self) -> AbstractContextManager[None]:
        """A context in which the signals are handled."""
        return on_signal(self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self._in_any_process(args) and state.global_step < state.max_steps:
            control.should_save = True
            control.should_training_stop = True

    def _in_any_process(self, args: TrainingArguments) -> bool:
        """Whether a signal has reached one of the processes that train together: all must stop after the same step."""
        if process_count() == 1:
            return self.requested
        requested = torch.tensor(float(self.requested), device=args.device)
        torch.distributed.all_reduce(requested, torch.distributed.ReduceOp.MAX)
        return bool(requested)
