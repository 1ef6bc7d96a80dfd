"""Activation checkpointing: which parts of a model are computed again in the backward pass."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

from uegr.errors import UsageError


def checkpointed_layers(model: nn.Module) -> list[nn.Module]:
    """The layers that are recomputed in the backward pass, by Hugging Face's flag.

    Raises:
        UsageError: they use PyTorch's reentrant form.
    """
    layers = [module for module in model.modules() if module.__dict__.get("gradient_checkpointing") is True]
    for layer in layers:
        function = getattr(layer, "_gradient_checkpointing_func", None)
        if isinstance(function, partial) and function.keywords.get("use_reentrant"):
            raise UsageError(
                "reentrant gradient checkpointing cannot be differentiated by the embeddings: switch it on with "
                'gradient_checkpointing_kwargs={"use_reentrant": False}.'
            )
    return layers


@contextmanager
def detect_recomputation(model: nn.Module, found: Callable[[], None]) -> Iterator[None]:
    """Call `found` in this context for each module that runs within torch.utils.checkpoint, and so will be recomputed.

    It takes a hook on every module.
    """
    outside = saved_tensor_hooks()

    def detect(_module: nn.Module, _inputs: Any) -> None:
        if saved_tensor_hooks() != outside:
            found()

    handles = [module.register_forward_pre_hook(detect) for module in model.modules()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def saved_tensor_hooks() -> Any:
    """The innermost hooks on saved tensors, or None: within torch.utils.checkpoint, its own.

    PyTorch has no public function for it; with a version that lacks this one, only Hugging Face's flag is seen.
    """
    innermost = getattr(torch._C._autograd, "_top_saved_tensors_default_hooks", None)
    return None if innermost is None else innermost(True)
