"""The processes of a data-parallel training, as torchrun and accelerate launch start them."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


def process_count() -> int:
    """Number of processes that train together; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE") or 1)


def is_first_process() -> bool:
    """Whether this process is the one that writes files and prints."""
    return process_count() == 1 or int(os.environ.get("RANK") or 0) == 0


def on_first_process(action: Callable[[], Result]) -> Result:
    """Do something in the first process only; all processes wait for it and get its result.

    Call it after the arguments of the Trainer are made: they start the process group.
    """
    import torch.distributed

    results: list[Any] = [action() if is_first_process() else None]
    if process_count() > 1:
        torch.distributed.broadcast_object_list(results)
    result: Result = results[0]
    return result
