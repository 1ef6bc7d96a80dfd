"""The name of the processor, which a run records."""

import platform

import torch


def processor_name() -> str:
    """A name such as "x86_64 AVX512", or the name of the GPU.

    A run records it, because processors differ in the order of their sums, so the same seed gives different models.
    """
    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
