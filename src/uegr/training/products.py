"""bfloat16 matrix products on a processor that has no instructions for them, at the speed of float32."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from uegr.training.processor_name import emulates_bf16

aten = torch.ops.aten
ATTENTION = aten._scaled_dot_product_flash_attention_for_cpu.default
PRODUCTS = frozenset(
    {
        aten.mm.default,
        aten.addmm.default,
        aten.bmm.default,
        aten.baddbmm.default,
        aten.convolution.default,
        aten.convolution_backward.default,
        ATTENTION,
        aten._scaled_dot_product_flash_attention_for_cpu_backward.default,
    }
)


def bf16_products(bf16: bool) -> AbstractContextManager[Any]:
    """A context in which bfloat16 runs anywhere: a run that was made on one processor can be made again on another.

    The instructions (avx512_bf16, amx_bf16) multiply rounded numbers, add the products up in float32 and round the sum.
    Without them PyTorch does the same in loops, some 15 times as slow as float32. Here float32's product of the rounded
    numbers is taken and rounded: the same but for the order of a sum, and, inside an attention, the rounding of its
    probabilities. 1.2 times as slow as float32, so for a new run float32 is the better choice there.

    Args:
        bf16: whether the run is in bfloat16. Nothing else goes through the context, nor does a run on a GPU: it would
            slow every operation down for nothing.
    """
    if not (bf16 and emulates_bf16()):
        return nullcontext()
    return RoundedProducts()  # type: ignore[no-untyped-call]


class RoundedProducts(TorchDispatchMode):
    """Within it, the products of bfloat16 tensors on the CPU are float32's, rounded."""

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func not in PRODUCTS or not any(_is_short(one) for one in args):
            return func(*args, **kwargs)
        args, kwargs = tree_map_only(torch.Tensor, _long, (args, kwargs))
        found = func(*args, **kwargs)
        if func is ATTENTION:  # its second output, the softmax's log-sum-exp, is float32 in PyTorch, too
            return (_short(found[0]), *found[1:])
        return tree_map_only(torch.Tensor, _short, found)


def _is_short(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.dtype is torch.bfloat16 and value.device.type == "cpu"


def _long(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if _is_short(tensor) else tensor


def _short(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.bfloat16()
