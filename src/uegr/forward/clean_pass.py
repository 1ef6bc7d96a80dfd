"""One backward of the clean pass for both: its weight gradients, which are kept, and the input gradient, the attack's.

The attack of the full stage walks the clean pass's graph back to the embeddings alone, and the loss walks it a
second time to the weights, because the divergence must have its say there. Where the clean output only teaches, as a
constant in the divergence, one walk serves both [ours; after "free" adversarial training, arXiv 1904.12843]. That
saves an input-only backward, 1 of the 2K + 3k + 2 forwards of a step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from uegr.forward.adversaries.adversary import CleanGradient
from uegr.forward.carried_gradients import carry, trainable
from uegr.forward.forward_stage import Batch, Step, forward_pass
from uegr.forward.input_gradient import zero_delta
from uegr.modeling.dropout_sites import DropoutSites
from uegr.modeling.embeddings import EmbeddingScale, embedding_width
from uegr.modeling.objective import objective_for


@dataclass(frozen=True)
class CleanPass(CleanGradient):
    """A clean pass that has been walked back already; its logits have no graph.

    Args:
        loss: its mean error; its weight gradients are known, and arrive when backward() is called.
    """

    loss: Tensor


def clean_pass(model: nn.Module, batch: Batch, step: Step, sites: DropoutSites | None = None) -> CleanPass:
    """Walk a clean pass forward and, at once, back to weights and embeddings."""
    weights = trainable(model)
    leaf = zero_delta(batch, EmbeddingScale(0.0, embedding_width(model)))[0].requires_grad_()
    # This graph is gone before the other passes begin: they cannot share its embeddings.
    logits = forward_pass(model, batch, replace(step, embeddings=None), delta=leaf, sites=sites)
    objective = objective_for(model, logits, batch["labels"])
    loss = objective.mean(objective.loss(logits), step.num_items)
    *gradients, at_inputs = torch.autograd.grad(loss, [*weights, leaf], allow_unused=True)
    assert at_inputs is not None  # the pass took the delta in
    torch.clear_autocast_cache()  # its casts belong to the graph that is gone
    return CleanPass(logits.detach(), at_inputs, carry(loss.detach(), weights, gradients))
