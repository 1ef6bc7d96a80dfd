"""Parameters that are sharded over processes (FSDP2): each process works on its own part of each tensor."""

from collections.abc import Iterable

import torch.distributed as dist
from torch import Tensor

if dist.is_available():
    from torch.distributed.tensor import DTensor


def shard(tensor: Tensor) -> Tensor:
    """The part of a tensor that lies on this process, sharing its memory; a plain tensor is its own part."""
    if dist.is_available() and isinstance(tensor, DTensor):
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
    mesh = next((p.device_mesh for p in parameters if dist.is_available() and isinstance(p, DTensor)), None)
    if mesh is not None:
        for dimension in range(mesh.ndim):
            dist.all_reduce(counts, group=mesh.get_group(dimension))
