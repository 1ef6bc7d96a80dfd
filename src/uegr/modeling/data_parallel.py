"""Gradients of data-parallel processes: who averages them, and the average where nobody does.

DistributedDataParallel averages the gradients of passes that go through it, and FSDP those of its shards. The gradients
of a model that is not wrapped belong to its process alone, so that what follows from them would differ between the
processes. Such models are run in the pass before training, if the method is attached to the plain model, and for the
second gradient of SAM and ROSE under Lightning, which wraps the whole module.
"""

from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from uegr.modeling.shards import is_sharded


def several_processes() -> bool:
    """Whether several processes train together."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def sum_over_processes(values: Tensor) -> Tensor:
    """The values added up over all processes, a new tensor. A collective operation: all call it equally often."""
    if not several_processes():
        return values
    total = values.clone()
    dist.all_reduce(total)
    return total


def _is_averaged(model: nn.Module) -> bool:
    """Whether a backward pass through the model averages its gradients over the processes."""
    wrapped = any(isinstance(module, DistributedDataParallel) for module in model.modules())
    return wrapped or any(is_sharded(parameter) for parameter in model.parameters())


def average_gradients(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Replace the gradients of an optimizer's weights by their means over all processes, unless the model does so.

    A collective operation: all processes call it equally often.
    """
    if not several_processes() or _is_averaged(model):
        return
    weights = [weight for group in optimizer.param_groups for weight in group["params"] if weight.requires_grad]
    used = torch.tensor([weight.grad is not None for weight in weights], dtype=torch.int32, device=weights[0].device)
    dist.all_reduce(used, dist.ReduceOp.MAX)
    for weight, is_used in zip(weights, used.tolist(), strict=True):
        if is_used:
            if weight.grad is None:  # this process alone has none
                weight.grad = torch.zeros_like(weight)
            dist.all_reduce(weight.grad)
            weight.grad /= dist.get_world_size()


def smallest_over_processes(value: Tensor) -> float:
    """The smallest of the scalars that all processes give. A collective operation."""
    smallest = value.clone()
    if several_processes():
        dist.all_reduce(smallest, dist.ReduceOp.MIN)
    return smallest.item()


def gradients_differ(weights: Iterable[Tensor]) -> bool:
    """Whether replicated weights have different gradients in other processes. A collective operation."""
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    if not several_processes() or not gradients or any(is_sharded(gradient) for gradient in gradients):
        return False
    sums = torch.stack([gradient.detach().double().sum() for gradient in gradients]).sum()
    low, high = sums.clone(), sums.clone()
    dist.all_reduce(low, dist.ReduceOp.MIN)
    dist.all_reduce(high, dist.ReduceOp.MAX)
    return bool(low < high)
