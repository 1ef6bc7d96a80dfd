"""How fast the loss of an example rises when its token embeddings move: the norm of its input gradient.

To first order the adversary's loss is CE + epsilon * |grad_e CE|, so this norm is what it should make small.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from datasets import Dataset
from numpy.typing import NDArray

from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.modeling.embeddings import embedding_scale, perturbed, token_mask


def input_gradient_norms(subject: EvaluatedModel, rows: Dataset) -> NDArray[np.float64]:
    """l2 norm of each example's loss gradient at its token embeddings, padding left out, shape (N,)."""
    norms = np.zeros(len(rows))
    width = embedding_scale(subject.model).width
    for positions, batch in subject.batches(rows):
        mask = token_mask(batch)
        delta = torch.zeros((*mask.shape[:2], width), device=mask.device, requires_grad=True)
        with torch.enable_grad(), perturbed(subject.model, delta):
            loss = F.cross_entropy(subject.logits(batch), batch["labels"], reduction="sum")
        gradient = torch.autograd.grad(loss, delta)[0] * mask
        norms[positions] = gradient.double().flatten(1).norm(dim=1).cpu().numpy()
    return norms


def mean_and_error(values: NDArray[np.float64]) -> dict[str, float]:
    """{"mean", "standard_error"} of a sample."""
    return {"mean": float(values.mean()), "standard_error": float(values.std(ddof=1) / len(values) ** 0.5)}
