"""The tasks that have a name."""

from __future__ import annotations

from uegr.data.benchmarks.advglue import ADVGLUE
from uegr.data.benchmarks.generation import GENERATION
from uegr.data.benchmarks.glue import GLUE
from uegr.data.benchmarks.inference import INFERENCE
from uegr.data.benchmarks.sentences import SENTENCES
from uegr.data.task import Task
from uegr.errors import unknown

TASKS: dict[str, Task] = {**GLUE, **ADVGLUE, **INFERENCE, **SENTENCES, **GENERATION}


def find_task(name: str) -> Task:
    """The entry of that name.

    Raises:
        UsageError: no such entry; it offers the nearest.
    """
    task = TASKS.get(name)
    if task is None:
        raise unknown("task", name, TASKS)
    return task


def without_training_split(name: str) -> str:
    """What to tell somebody who wants to train on a task whose source here has no training split."""
    task = TASKS.get(name)
    other = f"uegr train --task {task.stand_in}" if task and task.stand_in else "uegr train with another task"
    return (
        f"task '{name}' has no training split here: train on a related one ({other}), then measure the run on this "
        f"one with uegr evaluate RUN --on {name}."
    )
