"""The tokens in the batch of a user's own loss (`compute_loss`), which may be of any form."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.forward.step_inputs import Batch
from uegr.modeling.embeddings import input_embeddings
from uegr.modeling.model_wrappers import unwrap
from uegr.modeling.task_kinds.own_loss import ComputeLoss
from uegr.modeling.token_lookups import LookedUpTokens


def find_tokens(model: nn.Module, inputs: Any, compute_loss: ComputeLoss | None, *, perturbs: bool) -> Batch:
    """The batch itself if it holds "input_ids" or the loss is the task's; otherwise the tokens that the loss looks up.

    Args:
        model: wrapped or not.
        inputs: the batch that the loop gives to the loss.
        compute_loss: the user's own loss. If tokens must be found, it is run once, which costs one forward pass per
            step; None if the loss is the task's.
        perturbs: whether the method moves token embeddings, and therefore needs to know the tokens.

    Raises:
        UsageError: the loss never calls the embedding layer with gradients enabled, and the method needs the tokens.
    """
    if compute_loss is None or (isinstance(inputs, Mapping) and isinstance(inputs.get("input_ids"), Tensor)):
        return inputs  # type: ignore[no-any-return]
    if not perturbs:
        return LookedUpTokens(inputs, [])
    lookups = _lookups(model, inputs, compute_loss)
    if not lookups:
        raise UsageError(
            f"compute_loss never calls the embedding layer of {type(unwrap(model)).__name__} with gradients enabled "
            "(losses that cache gradients call it without): choose another loss, or a method that moves no embeddings "
            "(see uegr methods)."
        )
    return LookedUpTokens(inputs, lookups, _padding_id(model))


def _lookups(model: nn.Module, inputs: Any, compute_loss: ComputeLoss) -> list[Tensor]:
    """The token ids of each call of the embedding layer; a teacher's calls, which have no gradients, do not count."""
    lookups: list[Tensor] = []

    def record(_layer: nn.Module, arguments: Any, _output: Any) -> None:
        if torch.is_grad_enabled():
            lookups.append(arguments[0].detach())

    handle = input_embeddings(model).register_forward_hook(record)
    try:
        with torch.enable_grad():
            compute_loss(model, inputs)
    finally:
        handle.remove()
    return lookups


def _padding_id(model: nn.Module) -> int | None:
    layer_id = getattr(input_embeddings(model), "padding_idx", None)
    configs = (getattr(module, "config", None) for module in unwrap(model).modules())
    ids = [layer_id, *(getattr(config, "pad_token_id", None) for config in configs)]
    return next((padding for padding in ids if isinstance(padding, int)), None)
