"""Run a trainer to its end, with progress; a signal or a full disk stops it with one sentence and a checkpoint."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_callback import ExportableState
from transformers.trainer_utils import TrainOutput

from uegr.errors import StoppedError
from uegr.training.full_disk import disk_errors_explained
from uegr.training.stop_on_signal import StopOnSignal

OnStep = Callable[[int, int], None]
"""Called with the number of finished steps, and the number of all steps."""


def run_trainer(
    trainer: Trainer, checkpoint: str | None, on_step: OnStep, stop: StopOnSignal | None = None
) -> TrainOutput:
    """Run a trainer to its end. After a resume, "train_runtime" of its metrics includes earlier processes.

    Args:
        trainer: with its folder in its arguments.
        checkpoint: resume from here.
        on_step: called after each step.
        stop: waits for signals. One that comes in the last step does not stop the training, but is noted here.

    Raises:
        StoppedError: the training was stopped by a signal, or the disk is full; a checkpoint is written.
    """
    stop, output_dir = stop or StopOnSignal(), Path(str(trainer.args.output_dir))
    trainer.add_callback(ProgressCallback(on_step))
    trainer.add_callback(TimeCallback())
    trainer.add_callback(stop)
    trainer.remove_callback(PrinterCallback)
    with stop.listening(), disk_errors_explained(output_dir, weight_bytes(trainer.model)):
        outcome = trainer.train(resume_from_checkpoint=checkpoint)
    if stop.requested and trainer.state.global_step < trainer.state.max_steps:
        raise StoppedError(
            f"stopped after step {trainer.state.global_step} of {trainer.state.max_steps}, checkpoint written",
            f": continue with --resume, in '{output_dir}'.",
        )
    time = next(callback for callback in trainer.callback_handler.callbacks if isinstance(callback, TimeCallback))
    outcome.metrics["train_runtime"] += time.earlier
    return outcome


@contextmanager
def stops_at_once(output_dir: Path) -> Iterator[None]:
    """Turn a KeyboardInterrupt into one sentence: that of a second Ctrl-C, or of one after the last step.

    Raises:
        StoppedError: the training was stopped at once; `--resume` continues it.
    """
    try:
        yield
    except KeyboardInterrupt:
        continuation = f": continue from the last checkpoint with --resume, in '{output_dir}'."
        raise StoppedError("stopped at once", continuation) from None


def weight_bytes(model: Any) -> int:
    """Bytes of the model's weights."""
    return sum(weight.numel() * weight.element_size() for weight in model.parameters())


class TimeCallback(TrainerCallback, ExportableState):
    """Keeps the seconds of a training in its checkpoints. A resumed trainer makes it again, with what was kept."""

    def __init__(self) -> None:
        self.earlier = 0.0
        """Seconds of the training before this process."""
        self._start = monotonic()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        states: Any = state.stateful_callbacks
        states.setdefault(type(self).__name__, self.state())  # a checkpoint of an earlier version has none

    def state(self) -> dict[str, Any]:
        return {"args": {}, "attributes": {"earlier": self.earlier + monotonic() - self._start}}


class ProgressCallback(TrainerCallback):
    """Reports every step."""

    def __init__(self, on_step: OnStep) -> None:
        self.on_step = on_step

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self.on_step(state.global_step, state.max_steps)
