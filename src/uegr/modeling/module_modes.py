"""Train or eval mode for the length of a context, with every module's own mode restored."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def in_mode(model: nn.Module, *, train: bool) -> Iterator[None]:
    """Set a model to train or eval mode in this context.

    Afterwards, and after an error too, each module has its former mode: a loop may keep a part in eval mode.
    """
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.train(train)
        yield
    finally:
        for module, mode in modes:
            module.training = mode
