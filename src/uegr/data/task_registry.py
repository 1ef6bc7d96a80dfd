"""The registry of named tasks. A new task is an entry in one of the files of `uegr.data.benchmarks`."""

from pathlib import Path

from uegr.data.benchmarks.advglue import ADVGLUE
from uegr.data.benchmarks.generation import GENERATION
from uegr.data.benchmarks.glue import GLUE
from uegr.data.benchmarks.inference import INFERENCE
from uegr.data.benchmarks.intents import INTENTS
from uegr.data.benchmarks.named_entities import NAMED_ENTITIES
from uegr.data.benchmarks.sentences import SENTENCES
from uegr.data.task import Task
from uegr.errors import UsageError, unknown

TASKS: dict[str, Task] = {**GLUE, **ADVGLUE, **INFERENCE, **SENTENCES, **INTENTS, **NAMED_ENTITIES, **GENERATION}


def find_task(name: str) -> Task:
    """Return the entry of that name.

    Raises:
        UsageError: there is none; where the name is that of a file, it says with which options files are given.
    """
    task = TASKS.get(name)
    if task is None:
        if Path(name).suffix:
            raise UsageError(
                f"'{name}' is not a task; it looks like a file: give files to train on with --train_file, and files to "
                "measure on with --test_file."
            )
        raise unknown("task", name, TASKS)
    return task


def without_training_split(name: str) -> str:
    """Return the error message for training on a task that has no training split here."""
    task = TASKS.get(name)
    command = f"uegr train --task {task.stand_in}" if task and task.stand_in else "uegr train with another task"
    return (
        f"task '{name}' has no training split here: train on a related task ({command}), then evaluate the run on "
        f"this one with uegr evaluate RUN --on {name}."
    )
