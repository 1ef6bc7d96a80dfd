"""Evaluate a model and restore it afterwards; compute gradients in the middle of an evaluation."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from uegr.errors import UsageError
from uegr.modeling.module_modes import in_mode


@contextmanager
def evaluation_mode(model: nn.Module, *, weight_gradients: bool = False) -> Iterator[None]:
    """Set a model to eval mode and switch the gradients of its weights off, in this context.

    Afterwards, and after an error too, each module's training flag and each parameter's `requires_grad` are what they
    were. Contexts may be nested.

    Args:
        model: any module.
        weight_gradients: switch the gradients of all floating-point weights on instead, those of frozen ones too.
    """
    gradients = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    try:
        for parameter, _ in gradients:
            parameter.requires_grad_(weight_gradients and parameter.is_floating_point())
        with in_mode(model, train=False):
            yield
    finally:
        for parameter, flag in gradients:
            parameter.requires_grad_(flag)


@contextmanager
def gradients_enabled() -> Iterator[None]:
    """Compute gradients in this context, which may lie within `torch.no_grad()`, as evaluations do.

    Raises:
        UsageError: it lies within `torch.inference_mode()`, which makes tensors that have no gradients.
    """
    if torch.is_inference_mode_enabled():
        raise UsageError(
            "gradients are needed here, and torch.inference_mode() computes none: call this outside, or use "
            "torch.no_grad() in its place."
        )
    with torch.enable_grad():
        yield
