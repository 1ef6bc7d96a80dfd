"""What the passes run on, for the record."""

import platform

import torch


def processor_name() -> str:
    """Such as "x86_64 AVX512", or the name of the GPU.

    A run records it: the same seed on another processor adds its sums in another order, and ends as another model.
    """
    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
