"""Three ways to update only some elements of a parameter; they are never mixed.

`gradient`  g <- m * g / p before the optimizer: the form of Theorem 1. Momentum and weight decay may still
            move an unselected element, and under Adam the 1/p noise inflates the second moment.
`frozen`    an unselected element stays bit for bit what it was before the step, its moments included.
`update`    [ours] the moments see the whole gradient and the step itself is masked,
            theta <- theta + m * u / p, unbiased in the optimizer's own step u.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from uegr.backward.backward_stage import optimizer_parameters
from uegr.modeling.shards import shard

MaskMode = Literal["gradient", "frozen", "update"]
Masks = dict[int, tuple[Tensor, Tensor | None]]
"""Position among the optimizer's parameters -> mask (bool) and 1/p (None where nothing is rescaled)."""


def step_with_masked_gradient(optimizer: torch.optim.Optimizer, masks: Masks) -> None:
    """One step in the mode `gradient`."""
    parameters = optimizer_parameters(optimizer)
    for i, (mask, scale) in masks.items():
        _mask_gradient(parameters[i], mask, scale)
    optimizer.step()


def step_with_frozen_elements(optimizer: torch.optim.Optimizer, masks: Masks) -> None:
    """One step in the mode `frozen`; if the mask was drawn, the optimizer gets g / p of the selected elements."""
    parameters = optimizer_parameters(optimizer)
    before: dict[int, dict[str, Tensor]] = {}
    for i, (mask, scale) in masks.items():
        before[i] = {name: tensor.clone() for name, tensor in _per_element(optimizer, parameters[i]).items()}
        if scale is not None:
            _mask_gradient(parameters[i], mask, scale)
    optimizer.step()
    for i, (mask, _) in masks.items():
        for name, tensor in _per_element(optimizer, parameters[i]).items():
            # A moment that was created in this step was zero before it.
            old = before[i].get(name)
            tensor.copy_(torch.where(mask, tensor, torch.zeros_like(tensor) if old is None else old))


def step_with_masked_update(optimizer: torch.optim.Optimizer, masks: Masks) -> None:
    """One step in the mode `update`."""
    parameters = optimizer_parameters(optimizer)
    before = {i: shard(parameters[i].detach()).clone() for i in masks}
    optimizer.step()
    for i, (mask, scale) in masks.items():
        weight, old = shard(parameters[i].detach()), before[i]
        moved = weight if scale is None else torch.addcmul(old, weight - old, scale.to(weight.dtype))
        weight.copy_(torch.where(mask, moved, old))


MASK_MODES: dict[MaskMode, Callable[[torch.optim.Optimizer, Masks], None]] = {
    "gradient": step_with_masked_gradient,
    "frozen": step_with_frozen_elements,
    "update": step_with_masked_update,
}


def _mask_gradient(parameter: Tensor, mask: Tensor, scale: Tensor | None) -> None:
    if parameter.grad is not None:
        factor = mask if scale is None else mask * scale
        shard(parameter.grad).mul_(factor.to(parameter.grad.dtype))


def _per_element(optimizer: torch.optim.Optimizer, parameter: Tensor) -> dict[str, Tensor]:
    """The weight and every optimizer state that has one value per element of it (moments, momentum)."""
    state = optimizer.state.get(parameter, {})
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    per_element = {name: value for name, value in tensors.items() if value.shape == parameter.shape}
    return {name: shard(tensor) for name, tensor in {"weight": parameter.detach(), **per_element}.items()}
