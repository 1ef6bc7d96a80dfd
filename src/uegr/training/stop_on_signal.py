"""Stop a training cleanly: finish the step that is under way, write a checkpoint, and only then go."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopOnSignal(TrainerCallback):
    """After the first Ctrl-C (or SIGTERM) the Trainer saves and stops; a second Ctrl-C stops it at once.

    Attributes:
        asked: somebody asked to stop.
    """

    def __init__(self) -> None:
        self.asked = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signals in this context, and give them back to their former handlers afterwards."""
        former = {one: signal.signal(one, self._hear) for one in SIGNALS}
        try:
            yield
        finally:
            for one, handler in former.items():
                signal.signal(one, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self.asked and state.global_step < state.max_steps:
            control.should_save = True
            control.should_training_stop = True
