"""Reach a model's token embeddings from outside, and leave the model unchanged.

This uses `get_input_embeddings()` and a forward hook that exists for one forward pass, so nothing depends on a model
class or a parameter name. DDP, torch.compile and PEFT wrappers are unwrapped.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from uegr.errors import UsageError, shown
from uegr.modeling.token_lookups import LookedUpTokens


def check_module(model: Any) -> None:
    """Check that an object is a torch module, and not for example the name of a model.

    Raises:
        UsageError: it is not.
    """
    if not isinstance(model, nn.Module):
        raise UsageError(
            f"model must be a torch.nn.Module, not {shown(model)}: load it first, for example with "
            "AutoModelForSequenceClassification.from_pretrained."
        )


def unwrap(model: nn.Module) -> nn.Module:
    """The user's own model inside DistributedDataParallel, torch.compile and PEFT wrappers.

    Raises:
        UsageError: it is not a torch module.
    """
    check_module(model)
    while True:
        inner = getattr(model, "_orig_mod", None)
        if inner is None and (hasattr(model, "reducer") or isinstance(model, nn.DataParallel)):
            inner = model.module
        if inner is None and callable(getattr(model, "get_base_model", None)):
            inner = model.get_base_model()  # type: ignore[operator]
        if not isinstance(inner, nn.Module) or inner is model:
            return model
        model = inner


def is_compiled(model: nn.Module) -> bool:
    """Whether torch.compile wraps the model, or a part of it that other wrappers hold."""
    return any(hasattr(module, "_orig_mod") for module in model.modules())


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
    if getattr(getattr(model, "config", None), "is_encoder_decoder", False) and hasattr(model, "get_encoder"):
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
        norm: mean l2 norm of the rows of the token-embedding matrix, without the padding row.
        width: d, the length of a row.
    """

    norm: float
    width: int


@torch.no_grad()
def embedding_scale(model: nn.Module) -> EmbeddingScale:
    """Measure the token-embedding matrix of a model."""
    layer = input_embeddings(model)
    weight: Any = layer.weight
    norms = weight.detach().float().norm(dim=-1)
    if hasattr(norms, "full_tensor"):  # sharded over processes (FSDP2): put the parts together
        norms = norms.full_tensor()
    total, count = norms.sum(), norms.numel()
    padding = getattr(layer, "padding_idx", None)
    if padding is not None:
        total, count = total - norms[padding], count - 1
    return EmbeddingScale(norm=float(total) / count, width=int(weight.shape[-1]))


def token_mask(batch: Mapping[str, Any]) -> Tensor:
    """1 where a token is real and 0 on padding, shape (B, T, 1), float32; choices (B, C, T) are (B * C, T, 1)."""
    ids, mask = _token_ids(batch), batch.get("attention_mask")
    if isinstance(mask, Tensor) and mask.shape == batch["input_ids"].shape:
        return mask.reshape(*ids.shape, 1).float()
    return torch.ones((*ids.shape, 1), device=ids.device)


def _token_ids(batch: Mapping[str, Any]) -> Tensor:
    """The ids as a model looks them up, one text per row."""
    ids: Tensor = batch["input_ids"]
    return ids.reshape(-1, ids.shape[-1]) if ids.dim() > 2 else ids


class SharedEmbeddings:
    """The token embeddings of passes over the same tokens, looked up once.

    For passes that are differentiated together: their gradients then meet in (B, T, d), and the gradient of the
    embedding matrix, as large as the matrix for any batch, is written once and not once per pass. Sharded and
    compiled models look up again.
    """

    def __init__(self, model: nn.Module) -> None:
        self._active = type(input_embeddings(model).weight) is nn.Parameter and not is_compiled(model)
        self._embedded: list[tuple[Tensor, Tensor]] = []

    def of(self, ids: Tensor, output: Tensor) -> Tensor:
        """The embeddings (B, T, d) of the first pass over these ids (B, T); in the first pass, `output` itself."""
        for earlier_ids, embedded in self._embedded:
            if earlier_ids is ids:
                return embedded
        if self._active:
            self._embedded.append((ids, output))
        return output

    def repeat(self, ids: Tensor, copies: Tensor, times: int) -> None:
        """Use the embeddings of `ids` for `copies`, which is `ids` repeated along the batch, if they were looked up."""
        for earlier_ids, embedded in self._embedded:
            if earlier_ids is ids:
                self._embedded.append((copies, torch.cat([embedded] * times)))
                return


@contextmanager
def perturbed(
    model: nn.Module, batch: Mapping[str, Any], delta: Tensor, shared: SharedEmbeddings | None = None
) -> Iterator[None]:
    """Add `delta`, shape (B, T, d), to the token embeddings of the forward pass made in this context.

    Only the first call of the embedding layer counts, because a shared layer is called again for the decoder's tokens.
    With `LookedUpTokens` every call that they record counts. Models that look up their tokens transposed (XLNet) or
    with padding added at the end (Longformer, BigBird) are supported.

    Args:
        model: wrapped or not.
        batch: with the "input_ids" (B, T) of the pass.
        delta: the perturbation.
        shared: embeddings that the passes of one step share.

    Raises:
        UsageError: the pass never called that layer, or its output had another shape.
    """
    shapes: list[Any] = []
    added: list[bool] = []
    ids = _token_ids(batch)

    def add(_layer: nn.Module, inputs: Any, output: Any) -> Tensor | None:
        if isinstance(batch, LookedUpTokens):
            if not torch.is_grad_enabled():  # a call of a teacher model
                return None
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
            f"the compiled {name} runs the graph of another model of its class, which torch.compile keeps: call "
            "torch.compiler.reset() before the first step, or train without torch.compile."
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
