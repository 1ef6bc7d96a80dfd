"""By how much an embedding layer lengthens the rows of its weight.

Gemma's layer, and with `scale_embedding` those of mBART, M2M and Marian, multiply each row by sqrt(d).
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from uegr.modeling.module_modes import in_mode
from uegr.modeling.shards import is_sharded

ROWS = 64
"""The number of rows that are looked up."""


@torch.no_grad()
def output_factor(layer: nn.Module) -> float:
    """The mean norm of the layer's output, relative to the mean norm of the rows that it looks up.

    Exactly 1 for an `nn.Embedding`, without a call. Another layer is called once, in eval mode and without its hooks;
    torch's random generators stay as they are. A layer that cannot be measured in this way counts as 1: one that does
    not take token ids, or whose weight is sharded (FSDP2) or has no values.

    Args:
        layer: with a weight of shape (V, d), from token ids (B, T) to (B, T, d).
    """
    weight: Any = layer.weight
    if type(layer).forward is nn.Embedding.forward or not _has_rows(layer, weight):
        return 1.0
    ids = torch.linspace(0, len(weight) - 1, min(ROWS, len(weight)), device=weight.device).round().long()
    padding = getattr(layer, "padding_idx", None)
    if padding is not None:
        ids = ids[ids != padding]
    try:
        with in_mode(layer, train=False), torch.random.fork_rng([weight.device] if weight.is_cuda else []):
            output: Any = layer.forward(ids[None])
    except Exception:  # noqa: BLE001  # a layer of the user's own may refuse the call in any way
        return 1.0
    if not isinstance(output, Tensor) or output.shape != (1, len(ids), weight.shape[1]):
        return 1.0
    before, after = (float(rows.float().norm(dim=-1).sum()) for rows in (weight[ids], output[0]))
    factor = after / before if before > 0 else 0.0
    return factor if math.isfinite(factor) and factor > 0 else 1.0


def _has_rows(layer: nn.Module, weight: Tensor) -> bool:
    """Whether the weight can be looked up by row, and a look-up changes nothing."""
    return (
        weight.dim() == 2
        and len(weight) == getattr(layer, "num_embeddings", len(weight))
        and not weight.is_meta
        and not is_sharded(weight)
        and getattr(layer, "max_norm", None) is None  # such a layer shortens its rows when they are looked up
    )
