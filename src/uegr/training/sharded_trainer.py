"""A Trainer with sharded weights: which kinds a method can train, and the method's state in their checkpoints.

FSDP2's checkpoints hold the optimizer's own state only. The method's lies beside it, in a file per process, as each
process has the state of its own shards.
"""

from pathlib import Path
from typing import Any

import torch

from uegr.errors import UsageError
from uegr.methods.method import Method


def check_sharding(trainer: Any) -> None:
    """Refuse weights that are sharded in another way than FSDP2's: one tensor per weight in the optimizer.

    Raises:
        UsageError: the trainer uses DeepSpeed, or version 1 of FSDP.
    """
    is_fsdp1 = trainer.is_fsdp_enabled and trainer.accelerator.state.fsdp_plugin.fsdp_version == 1
    if trainer.is_deepspeed_enabled or is_fsdp1:
        raise UsageError(
            f"a method cannot train the flat weights of {'version 1 of FSDP' if is_fsdp1 else 'DeepSpeed'}: shard them "
            'with FSDP2 (fsdp=True, fsdp_config={"version": 2}), or start with torchrun.'
        )


def save_method_state(method: Method, checkpoint: Path, process: int) -> None:
    """Write the state of a process's method into a checkpoint."""
    torch.save(method.state_dict(), checkpoint / f"method_state_{process}.pt")


def load_method_state(method: Method, checkpoint: Path, process: int) -> bool:
    """Restore the state of a process's method, and return whether the checkpoint holds one.

    A process that had none takes that of the first: the state of a method without tensors is equal in all processes.

    Raises:
        UsageError: the state is of other shards, because the number of processes was another.
    """
    files = [checkpoint / f"method_state_{number}.pt" for number in (process, 0)]
    file = next((file for file in files if file.exists()), None)
    if file is not None:
        method.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    return file is not None
