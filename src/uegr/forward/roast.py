"""RoAST's forward stage: the adversarial sample's error, tied to the clean one (Kim et al. 2023, arXiv 2312.04032).

    L = 1/2 (CE(P, y) + CE(Q, y)) + lambda * (KL(P | Q) + KL(Q | P)),   Q = f(e + delta)
    delta = epsilon * g / max_d |g| per token, g = gradient of the task's error at a start of size 1e-5

As published. The released code, which made the published numbers, never adds CE(Q, y) (its branch is taken once) and
sums the KL over the batch. Here the KL is the mean, and CE(Q, y) is added if `adversarial_loss` says so.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from uegr.errors import UsageError
from uegr.forward.forward_stage import Batch, ForwardStage, Loss, Step, forward_pass
from uegr.forward.input_gradient import differentiate
from uegr.modeling.embeddings import SharedEmbeddings, embedding_width, token_mask
from uegr.modeling.objective import objective_for
from uegr.perturb.ball import TINY

START = 1e-5
"""Size of the one-sided uniform start, in units of the embedding (released code)."""


class RoASTForward(ForwardStage):
    """A clean and an adversarial pass, their errors, and the symmetric KL between them.

    Args:
        epsilon: max-norm size of each token's perturbation, in units of the embedding (released: 0.1).
        kl_weight: lambda (released: 0.01 of the sum over a batch of 16).
        adversarial_loss: count the adversarial sample's error, as published. Off, as released: with it, an epsilon
            of 0.1 pins a small encoder at the majority class from the first step.
    """

    perturbs: ClassVar[bool] = True
    needs: ClassVar[str] = "token embeddings"

    def __init__(self, *, epsilon: float = 0.1, kl_weight: float = 0.16, adversarial_loss: bool = False) -> None:
        if epsilon <= 0:
            raise UsageError(f"epsilon must be above 0, not {epsilon}.")
        if kl_weight < 0:
            raise UsageError(f"kl_weight must not be negative, not {kl_weight}.")
        self.epsilon, self.kl_weight, self.adversarial_loss = epsilon, kl_weight, adversarial_loss

    def attach(self, model: nn.Module) -> None:
        embedding_width(model)

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        step.embeddings = SharedEmbeddings(model)
        mask, width = token_mask(batch), embedding_width(model)
        start = START * torch.rand((*mask.shape[:2], width), generator=step.generator).to(mask.device) * mask
        _, gradient = differentiate(model, batch, step, start)
        gradient = gradient.float() * mask
        delta = start + self.epsilon * gradient / gradient.abs().amax(dim=-1, keepdim=True).clamp_min(TINY)
        # With a delta, so that it shares the look-up of the embeddings.
        clean = forward_pass(model, batch, step, delta=torch.zeros_like(start))
        moved = forward_pass(model, batch, step, delta=delta)
        objective = objective_for(model, clean, batch["labels"])
        terms = {
            "clean_loss": objective.mean(objective.loss(clean), step.num_items),
            "adversarial_loss": objective.mean(objective.loss(moved), step.num_items),
            "divergence": objective.mean(objective.symmetric_kl(clean, moved), step.num_items),
        }
        loss = terms["clean_loss"] / 2.0 + self.kl_weight * terms["divergence"]
        if self.adversarial_loss:
            loss = loss + terms["adversarial_loss"] / 2.0
        return Loss(loss, {name: term.detach() for name, term in terms.items()})

    def cost(self) -> float:
        return 8.0
