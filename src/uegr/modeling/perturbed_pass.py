"""Move the token embeddings of a forward pass from outside, and leave the model unchanged.

The perturbation is added by a forward hook on the layer of `get_input_embeddings()`, which exists for one pass.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.modeling.embeddings import input_embeddings
from uegr.modeling.model_wrappers import is_compiled, unwrap
from uegr.modeling.real_tokens import rows_of_tokens
from uegr.modeling.shared_embeddings import SharedEmbeddings
from uegr.modeling.token_lookups import LookedUpTokens


def zero_delta(batch: Mapping[str, Any], width: int) -> Tensor:
    """The perturbation that changes nothing: zeros of shape (B, T, d), where d is `width`."""
    ids = rows_of_tokens(batch)
    return torch.zeros((*ids.shape, width), device=ids.device)


@contextmanager
def perturbed(
    model: nn.Module, batch: Mapping[str, Any], delta: Tensor, shared: SharedEmbeddings | None = None
) -> Iterator[None]:
    """Add `delta`, shape (B, T, d), to the token embeddings of the forward pass made in this context.

    Only the first call of the embedding layer counts, because a shared layer is called again for the decoder's tokens.
    In a pass with gradients, calls without them do not count: they are a teacher's or a reference model's.
    With `LookedUpTokens` every call that they record counts. Models that look up their tokens transposed (XLNet) or
    with padding added at the end (Longformer, BigBird) are supported.

    Args:
        model: wrapped or not.
        batch: with the "input_ids" (B, T) of the pass.
        delta: the perturbation.
        shared: embeddings that the passes of one step share.

    Raises:
        UsageError: the pass never called that layer, or its output had a different shape.
    """
    shapes: list[Any] = []
    added: list[bool] = []
    ids = rows_of_tokens(batch)
    counts_all = not (torch.is_grad_enabled() or isinstance(batch, LookedUpTokens))

    def add(_layer: nn.Module, inputs: Any, output: Any) -> Tensor | None:
        if not (counts_all or torch.is_grad_enabled()):
            return None
        if isinstance(batch, LookedUpTokens):
            part = batch.part_of(delta, len(added))
            added.append(True)
            return None if part is None else output + part.reshape(output.shape).to(output.dtype)
        shapes.append(tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__)
        if len(shapes) > 1 or not isinstance(output, Tensor):
            return None
        fitted = _as_looked_up(delta, ids, inputs[0] if inputs else ids, output.shape)
        if fitted is None:
            return None
        added.append(True)
        embedded = output if shared is None or not inputs else shared.of(inputs[0], output)
        return embedded + fitted.to(output.dtype)

    layer = input_embeddings(model)
    handle = layer.register_forward_hook(add)
    try:
        yield
    finally:
        handle.remove()
    if not added:
        raise _not_added(model, layer, delta, shapes)


def _not_added(model: nn.Module, layer: nn.Module, delta: Tensor, shapes: list[Any]) -> UsageError:
    """The error for a perturbation that was added nowhere; `shapes` are those of the layer's outputs."""
    name = type(unwrap(model)).__name__
    if shapes:
        return UsageError(
            f"{name} looks up tokens of shape {shapes[0]} where the batch has {tuple(delta.shape)}: a "
            "perturbation has no place there; choose a method and attacks that do not move embeddings."
        )
    if is_compiled(model):
        return UsageError(
            f"the compiled {name} runs a graph from before the first step, of its own or of another model of its "
            "class, which torch.compile keeps: call torch.compiler.reset() before the first step, or train without "
            "torch.compile."
        )
    return UsageError(
        f"{name} does not take its token embeddings from {type(layer).__name__}, the layer that its "
        "get_input_embeddings() returns: make that method return the layer its forward() calls."
    )


def _as_looked_up(delta: Tensor, ids: Tensor, looked_up: Tensor, shape: torch.Size) -> Tensor | None:
    """The perturbation in the layout in which the layer looks up the tokens; None if it looked up other tokens."""
    rows, length = ids.shape[:2]
    if shape == delta.shape and (rows != length or _same_tokens(looked_up, ids)):
        return delta
    if shape[:2] == (length, rows):
        return delta.transpose(0, 1)
    if len(shape) == 3 and shape[0] == rows and shape[1] > length:
        return F.pad(delta, (0, 0, 0, shape[1] - length))
    return None


def _same_tokens(looked_up: Tensor, ids: Tensor) -> bool:
    """Whether a square batch is looked up as it is, and not transposed."""
    if torch.compiler.is_compiling() or looked_up is ids or looked_up.data_ptr() == ids.data_ptr():
        return True
    return looked_up.shape == ids.shape and bool((looked_up == ids).all())
