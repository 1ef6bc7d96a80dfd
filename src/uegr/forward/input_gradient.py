"""Where forward stages that perturb embeddings meet the model: logits and input gradients at a delta."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from uegr.forward.forward_stage import Batch, Step, forward_pass
from uegr.modeling.dropout_sites import DropoutSites
from uegr.modeling.embeddings import EmbeddingScale, token_mask
from uegr.modeling.objective import objective_for


def zero_delta(batch: Batch, scale: EmbeddingScale) -> tuple[Tensor, Tensor]:
    """The unperturbed start, zeros (B, T, d), and the mask of real tokens, (B, T, 1)."""
    mask = token_mask(batch)
    return torch.zeros((*mask.shape[:2], scale.width), device=mask.device), mask


def differentiate(
    model: nn.Module,
    batch: Batch,
    step: Step,
    delta: Tensor,
    *,
    loss: Callable[[Tensor], Tensor] | None = None,
    sites: DropoutSites | None = None,
    keep_graph: bool = False,
) -> tuple[Tensor, Tensor]:
    """Logits at delta, and the gradient there of a summed loss. Only the path from the loss to the embeddings is
    walked: no weight gradient is computed, and no hook of DDP fires.

    Args:
        model, batch, step, sites: of the pass.
        delta: added to the token embeddings, (B, T, d).
        loss: from logits to a value a target, (N,); the task's own error if left out.
        keep_graph: the logits will be differentiated again.
    """
    leaf = delta.detach().requires_grad_()
    logits = forward_pass(model, batch, step, delta=leaf, sites=sites)
    values = objective_for(model, logits, batch["labels"]).loss(logits) if loss is None else loss(logits)
    return logits, torch.autograd.grad(values.sum(), leaf, retain_graph=keep_graph)[0]
