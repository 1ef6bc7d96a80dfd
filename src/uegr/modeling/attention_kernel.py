"""Which of PyTorch's attention kernels a pass uses: the backward pass of the fused one is slow for short texts on a
CPU."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

from uegr.modeling.model_wrappers import is_compiled

SHORT_TEXT = 128
"""Most tokens of a text for which separate operations are faster."""


def faster_attention(model: nn.Module) -> AbstractContextManager[Any]:
    """A context for a pass of a model: attention in separate operations where that is faster.

    Elsewhere PyTorch, or the model's compiler, chooses.

    In bfloat16 on a CPU, both passes of the attention over 64 texts of 30 tokens take 82 ms fused and 15 in separate
    operations, over 128 tokens 301 and 230 ms; over 512 tokens the fused kernel is faster (benchmarks/results/
    attention.json). It is also faster in float32, and without a gradient. With dropout PyTorch never fuses attention on
    a CPU.
    """
    weight = next(model.parameters(), None)
    on_cpu = weight is not None and weight.device.type == "cpu"
    return _SeparateOperations() if on_cpu and torch.is_grad_enabled() and not is_compiled(model) else nullcontext()


class _SeparateOperations(TorchFunctionMode):
    """Decides when the attention is called, because only then the dtype is known: accelerate enters autocast inside the
    model's forward."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func is F.scaled_dot_product_attention and _is_slow_if_fused(args[0] if args else kwargs["query"]):
            with sdpa_kernel(SDPBackend.MATH):
                return func(*args, **kwargs)
        return func(*args, **kwargs)


def _is_slow_if_fused(query: Tensor) -> bool:
    """Whether the backward pass of the fused attention is slow for queries (B, H, T, d)."""
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else query.dtype
    return dtype == torch.bfloat16 and query.shape[-2] <= SHORT_TEXT
