"""Where a model's saliency lies: the mean squared gradient of the loss over the elements of each parameter."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from datasets import Dataset
from torch import Tensor

from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.modeling.model_parts import layer_of


def saliency(subject: EvaluatedModel, rows: Dataset, batch_size: int = 16) -> dict[str, Any]:
    """The "saliency" part of results.json: the batch Fisher score that the selective update ranks by, on a finished
    model, whatever method has trained it."""
    model = subject.model.requires_grad_(True)
    named = dict(model.named_parameters())
    sums: dict[str, Tensor] = {name: one.new_zeros(()) for name, one in named.items()}
    count = 0
    try:
        for at in range(0, len(rows), batch_size):
            for _, batch in subject.batches(rows.select(range(at, min(at + batch_size, len(rows))))):
                with torch.enable_grad():
                    loss = F.cross_entropy(subject.logits(batch), batch["labels"])
                gradients = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
                count += 1
                for name, gradient in zip(named, gradients, strict=True):
                    if gradient is not None:
                        sums[name] += gradient.float().square().mean()
    finally:
        model.requires_grad_(False)
    parameters = [
        {
            "name": name,
            "layer": layer_of(name),
            "elements": one.numel(),
            "saliency": float(sums[name]) / count,
        }
        for name, one in named.items()
    ]
    return {"examples": len(rows), "parameters": parameters}
