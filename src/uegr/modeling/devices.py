"""The device on which a model is measured."""

import os

import torch


def default_device() -> torch.device:
    """The CUDA device of this process if there is one, else the CPU.

    `torchrun` numbers the processes of a machine by `LOCAL_RANK`, and each has the device of its number. As in
    accelerate, processes share devices where there are fewer of them.
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    rank = max(0, int(os.environ.get("LOCAL_RANK") or 0))
    return torch.device("cuda", rank % torch.cuda.device_count())
