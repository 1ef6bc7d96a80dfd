"""The batch of a loss of the user's own, as the stages read it: its tokens, and what the loss is given."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.forward.forward_stage import Batch
from uegr.modeling.embeddings import input_embeddings, unwrap
from uegr.modeling.task_kinds.own_loss import ComputeLoss
from uegr.modeling.token_lookups import LookedUpTokens


def find_tokens(model: nn.Module, inputs: Any, compute_loss: ComputeLoss, *, perturbs: bool) -> Batch:
    """The batch itself where it names its tokens "input_ids"; else the tokens that the loss looks up.

    Args:
        model: wrapped or not.
        inputs: what the loss is given.
        compute_loss: is run once, if tokens must be found: one forward pass more per step.
        perturbs: the method moves token embeddings, so it needs to know the tokens.

    Raises:
        UsageError: the loss looks up no tokens, and the method needs them.
    """
    if isinstance(inputs, Mapping) and isinstance(inputs.get("input_ids"), Tensor):
        return inputs
    if not perturbs:
        return LookedUpTokens(inputs, [])
    lookups = _lookups(model, inputs, compute_loss)
    if not lookups:
        raise UsageError(
            f"the loss does not look up any token in {type(unwrap(model)).__name__}: choose a method that does not "
            "move embeddings (see uegr methods)."
        )
    return LookedUpTokens(inputs, lookups, _padding_id(model))


def _lookups(model: nn.Module, inputs: Any, compute_loss: ComputeLoss) -> list[Tensor]:
    """The token ids of each call of the embedding layer; calls without gradients, of a teacher, do not count."""
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
