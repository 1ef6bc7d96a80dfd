"""Parameters that are sharded over processes (FSDP2): each process works on its own part of each tensor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeGuard

import torch.distributed as dist
from torch import Tensor

if dist.is_available():
    from torch.distributed.tensor import DTensor


def is_sharded(tensor: Tensor) -> TypeGuard[DTensor]:
    """Whether each process holds a part of the tensor."""
    return dist.is_available() and isinstance(tensor, DTensor)


def shard(tensor: Tensor) -> Tensor:
    """The part of a tensor that lies on this process, sharing its memory; a plain tensor is its own part."""
    if is_sharded(tensor):
        local: Tensor = tensor.to_local()
        return local
    return tensor


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
