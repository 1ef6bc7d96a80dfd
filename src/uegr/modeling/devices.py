"""The device on which a model is measured."""

import os

import torch


def default_device() -> torch.device:
    """The CUDA device of this process if there is one, else the CPU.

    `torchrun` numbers the processes of a machine by `LOCAL_RANK`, and each has the device of its number.
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
