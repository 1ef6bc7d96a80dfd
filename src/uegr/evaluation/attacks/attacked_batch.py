"""The batch that an attack on the embeddings is given: one row and one class per example."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from uegr.errors import UsageError, shown


def tensors_of(batch: Any, device: torch.device) -> dict[str, Tensor]:
    """The tensors of a batch on a device, with labels of 64 bits.

    Raises:
        UsageError: there are no classes, no examples or no token ids, or an entry is no tensor with a row per example.
    """
    labels = batch.get("labels") if isinstance(batch, Mapping) else None
    if not isinstance(labels, Tensor) or labels.dim() != 1 or labels.is_floating_point() or not len(labels):
        raise UsageError(
            "an attack needs the class of each example: put a tensor of whole numbers (B,) at batch['labels'], for at "
            "least one example."
        )
    if "input_ids" not in batch:
        raise UsageError("an attack needs the token ids of each example: put them at batch['input_ids'].")
    for name, values in batch.items():
        if not isinstance(values, Tensor) or values.shape[:1] != labels.shape:
            given = f"shape {tuple(values.shape)}" if isinstance(values, Tensor) else shown(values)
            raise UsageError(
                f"batch['{name}'] must be a tensor with a row for each of the {len(labels)} labels, not {given}: leave "
                "it out, or make a tensor of it (return_tensors='pt')."
            )
    return {name: values.to(device) for name, values in batch.items()} | {"labels": labels.to(device, torch.long)}
