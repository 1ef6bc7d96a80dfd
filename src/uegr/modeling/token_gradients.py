"""The gradient of a loss at the token embeddings, which some models block."""

import torch
from torch import Tensor

from uegr.errors import UsageError
from uegr.modeling.float16_gradients import power_of_two

SMALLEST = 2.0**-100
"""A gradient at the logits below it is scaled as if it were as large, which keeps the scale a number in float32."""


def gradient_at_tokens(loss: Tensor, delta: Tensor, *, keep_graph: bool = False) -> Tensor:
    """The gradient of a scalar at a perturbation that was added to the token embeddings, in its shape.

    Raises:
        UsageError: the model does not let it through.
    """
    if not loss.requires_grad:
        return require_gradient(None)
    return require_gradient(torch.autograd.grad(loss, delta, retain_graph=keep_graph, allow_unused=True)[0])


def gradient_through_logits(losses: Tensor, logits: Tensor, delta: Tensor) -> Tensor:
    """The gradient of each example's loss at a perturbation of the token embeddings, in its shape.

    A model in float16 rounds the small gradients of confident examples to 0. So the gradient at the logits, which is in
    float32, is scaled for the way through the model, each example by a power of two: in float32 and bfloat16 that
    changes no digit.

    Args:
        losses: one loss per example, (B,), a function of the logits.
        logits: float32, first dimension B.
        delta: the perturbation, (B, T, d).

    Raises:
        UsageError: the model does not let the gradient through.
    """
    if not losses.requires_grad:
        return require_gradient(None)
    (at_logits,) = torch.autograd.grad(losses.sum(), logits)
    size = power_of_two(at_logits.flatten(1).abs().amax(1).clamp(min=SMALLEST))
    scaled = at_logits / size.view(-1, *[1] * (logits.dim() - 1))
    return gradient_at_tokens((logits * scaled).sum(), delta) * size.view(-1, 1, 1)


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
