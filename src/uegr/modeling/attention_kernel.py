"""Which of PyTorch's attention kernels a pass uses: the fused one is slow backward for short texts on a CPU."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

SHORT_TEXT = 128
"""Most tokens of a text for which separate operations are faster."""


def faster_attention(model: nn.Module, tokens: int) -> AbstractContextManager[None]:
    """The context for a pass of a model over texts of so many tokens: attention in separate operations where that is
    faster, else as PyTorch chooses.

    In bfloat16 on a CPU, both passes of the attention over 64 texts of 30 tokens take 159 ms fused and 35 in separate
    operations, over 128 tokens 585 and 401 ms; over 512 tokens the fused kernel is faster (Xeon with AMX, one thread).
    So it is in float32, and without a gradient. With dropout PyTorch never fuses attention on a CPU.
    """
    weight = next(model.parameters(), None)
    if tokens > SHORT_TEXT or weight is None or weight.device.type != "cpu" or not torch.is_grad_enabled():
        return nullcontext()
    number_format = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else weight.dtype
    return sdpa_kernel(SDPBackend.MATH) if number_format == torch.bfloat16 else nullcontext()
