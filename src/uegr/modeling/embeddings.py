"""Find a model's token embeddings from outside, by its `get_input_embeddings()`, and measure them.

Nothing depends on a model class or a parameter name.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.modeling.embedding_factor import output_factor
from uegr.modeling.model_wrappers import config_value, unwrap
from uegr.modeling.shards import whole
from uegr.modeling.weight_dtypes import check_values


def input_embeddings(model: nn.Module) -> nn.Module:
    """The layer that turns token ids into embeddings: the model's own, or that of its only part that has such a layer.

    Raises:
        UsageError: neither the model nor a part of it has a `get_input_embeddings()` that returns a layer with a
            weight, or parts of it return several.
    """
    inner = unwrap(model)
    layer = _own_embeddings(inner)
    if layer is not None:
        return layer
    inside = {id(layer): layer for part in inner.modules() if (layer := _own_embeddings(part)) is not None}
    if len(inside) != 1:
        reason = "has several parts with token embeddings" if inside else "does not say where its token embeddings are"
        raise UsageError(
            f"{type(inner).__name__} {reason}: give it a get_input_embeddings() method that returns its nn.Embedding "
            "layer, or leave its embeddings alone (train by plain or r-drop, evaluate with epsilons 0)."
        )
    return next(iter(inside.values()))


def token_table(model: nn.Module) -> Tensor | None:
    """The weight of the token embeddings, (V, d); None where `input_embeddings` refuses the model.

    Models that hash characters (CANINE) have no such table, and can be trained by methods that do not move embeddings.
    """
    try:
        weight: Any = input_embeddings(model).weight
    except UsageError:
        return None
    return weight  # type: ignore[no-any-return]


def _own_embeddings(model: nn.Module) -> nn.Module | None:
    """What the model's `get_input_embeddings()` returns, if it has a weight."""
    if config_value(model, "is_encoder_decoder", False) and hasattr(model, "get_encoder"):
        model = model.get_encoder()  # type: ignore[operator]  # its own layer, or the one it shares
    getter = getattr(model, "get_input_embeddings", None)
    try:
        layer = getter() if callable(getter) else None
    except NotImplementedError:  # models that hash characters have no table of tokens
        return None
    return layer if isinstance(layer, nn.Module) and isinstance(getattr(layer, "weight", None), Tensor) else None


def embedding_width(model: nn.Module) -> int:
    """d, the length of a token's embedding."""
    weight: Any = input_embeddings(model).weight
    return int(weight.shape[-1])


@dataclass(frozen=True)
class EmbeddingScale:
    """The unit of a relative epsilon [ours], so that one value suits several models.

    Args:
        norm: mean l2 norm of the token embeddings as their layer puts them out, without the padding row.
        width: d, the length of a row.
    """

    norm: float
    width: int


@torch.no_grad()
def embedding_scale(model: nn.Module) -> EmbeddingScale:
    """Measure the token embeddings of a model: the rows of their matrix, times the factor of a layer that scales them.

    Raises:
        UsageError: the model has no such matrix, or it is offloaded.
    """
    layer = input_embeddings(model)
    weight: Any = layer.weight
    check_values([weight])
    norms = whole(weight.detach().float().norm(dim=-1))
    total, count = norms.sum(), norms.numel()
    padding = getattr(layer, "padding_idx", None)
    if padding is not None:
        total, count = total - norms[padding], count - 1
    return EmbeddingScale(norm=output_factor(layer) * (float(total) / count), width=int(weight.shape[-1]))
