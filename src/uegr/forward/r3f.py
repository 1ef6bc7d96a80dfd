"""R3F: the output must not change under a little random noise on the embeddings (Aghajanyan et al. 2020,
arXiv 2008.03156).

    L = CE(P, y) + lambda * (KL(P | Q) + KL(Q | P)),   Q = f(e + z),  z ~ U(-sigma, sigma) or N(0, sigma^2)

Regression: squared difference [ours; the released code leaves the term out].
"""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor, nn

from uegr.errors import UsageError, unknown
from uegr.forward.forward_stage import Batch, ForwardStage, Loss, Step, forward_pass
from uegr.modeling.embeddings import SharedEmbeddings, embedding_width, token_mask
from uegr.modeling.objective import objective_for

Noise = Literal["uniform", "normal"]


class R3FForward(ForwardStage):
    """A clean pass, a noisy pass, and the symmetric KL between them.

    Args:
        noise: the distribution of z.
        noise_scale: sigma, in units of the embedding (released code: 1e-5).
        kl_weight: lambda (released code: 1).
    """

    perturbs: ClassVar[bool] = True
    needs: ClassVar[str] = "token embeddings"

    def __init__(self, *, noise: Noise = "uniform", noise_scale: float = 1e-5, kl_weight: float = 1.0) -> None:
        if noise not in get_args(Noise):
            raise unknown("noise", noise, get_args(Noise))
        if noise_scale < 0 or kl_weight < 0:
            raise UsageError("noise_scale and kl_weight must not be negative.")
        self.noise, self.noise_scale, self.kl_weight = noise, noise_scale, kl_weight

    def attach(self, model: nn.Module) -> None:
        embedding_width(model)

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        step.embeddings = SharedEmbeddings(model)
        # Both passes take a delta, so that they share one look-up of the embeddings.
        shape = (*batch["input_ids"].shape[:2], embedding_width(model))
        clean = forward_pass(model, batch, step, delta=torch.zeros(shape, device=batch["input_ids"].device))
        noisy = forward_pass(model, batch, step, delta=self._draw(model, batch, step.generator))
        objective = objective_for(model, clean, batch["labels"])
        error = objective.mean(objective.loss(clean), step.num_items)
        disagreement = objective.mean(objective.symmetric_kl(clean, noisy), step.num_items)
        terms = {"task_loss": error.detach(), "divergence": disagreement.detach()}
        return Loss(error + self.kl_weight * disagreement, terms)

    def _draw(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
        mask = token_mask(batch)
        delta = torch.empty((*mask.shape[:2], embedding_width(model)))
        if self.noise == "uniform":
            delta.uniform_(-self.noise_scale, self.noise_scale, generator=generator)
        else:
            delta.normal_(0.0, self.noise_scale, generator=generator)
        return delta.to(mask.device) * mask

    def cost(self) -> float:
        return 6.0
