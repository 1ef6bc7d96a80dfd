"""Run a backward pass of our own beside the user's: gradients that it must not change are set aside."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def gradients_set_aside(weights: Iterable[Tensor]) -> Iterator[None]:
    """Start this context without gradients of `weights`; afterwards, and after an error too, they are as before."""
    before = [(weight, weight.grad) for weight in weights]
    for weight, _ in before:
        weight.grad = None
    try:
        yield
    finally:
        for weight, gradient in before:
            weight.grad = gradient


def weights_of_others(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """The weights of `model` that `optimizer` does not hold: a second optimizer of the loop may train them."""
    own = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
    return [weight for weight in model.parameters() if id(weight) not in own]
