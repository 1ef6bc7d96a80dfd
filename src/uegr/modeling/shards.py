"""Parameters that are sharded over processes (FSDP2): each process works on its own part of each tensor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeGuard

import torch.distributed as dist
from torch import Tensor, nn

if dist.is_available():
    from torch.distributed.tensor import DTensor, Replicate


def is_sharded(tensor: Tensor) -> TypeGuard[DTensor]:
    """Whether each process holds a part of the tensor."""
    return dist.is_available() and isinstance(tensor, DTensor)


def shard(tensor: Tensor) -> Tensor:
    """The part of a tensor that lies on this process, sharing its memory; a plain tensor is its own part."""
    if is_sharded(tensor):
        local: Tensor = tensor.to_local()
        return local
    return tensor


def whole(tensor: Tensor) -> Tensor:
    """The tensor with the parts of all processes; each of them must call this."""
    if is_sharded(tensor):
        full: Tensor = tensor.full_tensor()
        return full
    return tensor


def shard_like(tensor: Tensor, parameter: Tensor) -> Tensor:
    """This process's part of a tensor that was made before its parameter was sharded; a part stays as it is."""
    if not is_sharded(parameter) or not tensor.shape == parameter.shape != shard(parameter).shape:
        return tensor
    mesh = parameter.device_mesh
    replicated = DTensor.from_local(tensor, mesh, [Replicate()] * mesh.ndim, run_check=False)
    return shard(replicated.redistribute(placements=parameter.placements)).clone()  # without the memory of the whole


def reshard(model: nn.Module) -> None:
    """Give a model its shards back, which are what the optimizer holds: a pass without backward may leave it whole."""
    if dist.is_available() and dist.is_initialized():
        from torch.distributed.fsdp import FSDPModule  # slow to import

        for module in model.modules():
            if isinstance(module, FSDPModule):
                module.reshard()


def sum_over_shards(counts: Tensor, parameters: Iterable[Tensor]) -> None:
    """Add up, in place, what the processes have counted on their own parts.

    A mesh that also replicates counts every element equally often, which leaves ranks as they are.

    Args:
        counts: of this process.
        parameters: of which the process may hold a part; if they are not sharded, the counts stay.
    """
    mesh = next((p.device_mesh for p in parameters if is_sharded(p)), None)
    if mesh is not None:
        for dimension in range(mesh.ndim):
            dist.all_reduce(counts, group=mesh.get_group(dimension))
