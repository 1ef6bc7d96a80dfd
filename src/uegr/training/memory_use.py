"""The memory of a training: its peak, and what is freed after it."""

import sys

import torch
from transformers import Trainer

from uegr.backward.staged_optimizer import optimizers_inside


def reset_peak_memory() -> None:
    """Reset the peak memory of the CUDA device; that of a process cannot be reset."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats()


def peak_memory() -> int | None:
    """Bytes: the most that the CUDA device has held since `reset_peak_memory`, or else the most of this process.

    None on Windows without CUDA, where it is not measured.
    """
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        return int(torch.cuda.max_memory_allocated())
    try:
        import resource
    except ModuleNotFoundError:  # Python has it only on Unix
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else 1024 * int(peak)


def free_optimizer(trainer: Trainer) -> None:
    """Free the state of a trainer's optimizer, which is two numbers per weight; it is not trained on after this."""
    optimizer = optimizers_inside(trainer.optimizer)[-1]
    if isinstance(optimizer, torch.optim.Optimizer):
        optimizer.state.clear()
