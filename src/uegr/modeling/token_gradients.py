"""The gradient of a loss at the token embeddings, which some models block."""

import torch
from torch import Tensor

from uegr.errors import UsageError


def gradient_at_tokens(loss: Tensor, delta: Tensor, *, keep_graph: bool = False) -> Tensor:
    """The gradient of a scalar at a perturbation that was added to the token embeddings, in its shape.

    Raises:
        UsageError: the model does not let it through.
    """
    if not loss.requires_grad:
        return require_gradient(None)
    return require_gradient(torch.autograd.grad(loss, delta, retain_graph=keep_graph, allow_unused=True)[0])


def require_gradient(gradient: Tensor | None) -> Tensor:
    """The gradient itself, which was computed with `allow_unused`.

    Raises:
        UsageError: there is none.
    """
    if gradient is None:
        raise UsageError(
            "no gradient of the loss reaches the token embeddings, because a part of the model stops it (quantized "
            "layers, torch.no_grad or detach): take the model without that part, or a method and attacks that do not "
            "move embeddings."
        )
    return gradient
