"""What the passes run on: its name for the record, and whether it multiplies bfloat16."""

from __future__ import annotations

import platform

import torch


def processor() -> str:
    """Such as "x86_64 AVX2, no bfloat16 instructions", or the name of the GPU.

    A run records it: the same seed on another processor adds its sums up in another order, and ends as another model.
    """
    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    instructions = "with" if cpu_has_bf16() else "no"
    return f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}, {instructions} bfloat16 instructions"


def emulates_bf16() -> bool:
    """Whether bfloat16 products run here in PyTorch's loops, some 16 times as slow as float32."""
    return not torch.cuda.is_available() and not cpu_has_bf16()


def cpu_has_bf16() -> bool:
    """Whether this CPU has instructions for bfloat16 products."""
    return bool(torch.cpu._is_avx512_bf16_supported())
