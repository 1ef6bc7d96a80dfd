"""Stop a training cleanly: finish the current step, write a checkpoint, and stop."""

from contextlib import AbstractContextManager
from types import FrameType
from typing import Any

import torch
import torch.distributed
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from uegr.errors import StoppedError
from uegr.training.processes import process_count
from uegr.training.stop_signals import on_signal


class StopOnSignal(TrainerCallback):
    """After the first Ctrl-C (or SIGTERM) the Trainer saves and stops; a second Ctrl-C stops it at once.

    A SIGTERM after a Ctrl-C, or the other way round, is the same request: the process of a grid gets both, where the
    terminal sends Ctrl-C to all processes and the grid's own process passes it on.

    Attributes:
        requested: whether a signal has asked the training to stop.
    """

    def __init__(self) -> None:
        self.requested = False
        self._received: set[int] = set()

    def listening(self) -> AbstractContextManager[None]:
        """A context in which the signals are handled."""
        return on_signal(self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if number in self._received:
            raise KeyboardInterrupt
        self._received.add(number)
        self.requested = True

    def raise_if_requested(self) -> None:
        """Stop what comes after a training that is finished, because it was in its last step when the signal came.

        Raises:
            StoppedError: a signal has come.
        """
        if self.requested:
            raise StoppedError("stopped after its last step", ": run the same command again to continue.")

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
