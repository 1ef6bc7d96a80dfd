"""SMART's smoothness term: the output must not move inside a small ball (Jiang et al. 2020, arXiv 1911.03437).

    L = CE(P, y) + lambda * max_{|delta| <= epsilon} l_s(f(e + delta), P),   l_s symmetric KL

The ascent starts from N(0, sigma^2) noise and goes along the gradient of the symmetric KL, each token's scaled to max
norm 1 [ours; released: the one-sided KL's, as it is]. It projects on a max-norm ball: by a bound on each coordinate as
published (`projection="clip"`), or by scaling each token's delta to max-norm epsilon exactly, as the released code does
with epsilon = 1 whatever its step size ("unit", mt-dnn issue 214). The published Bregman proximal term, which the
released perturbation code does not hold, is left out.
"""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor, nn

from uegr.errors import UsageError, unknown
from uegr.forward.forward_stage import Batch, ForwardStage, Loss, Step, forward_pass
from uegr.forward.input_gradient import differentiate
from uegr.modeling.embeddings import SharedEmbeddings, embedding_width, token_mask
from uegr.modeling.objective import objective_for
from uegr.perturb.ball import TINY

Projection = Literal["clip", "unit"]


class SMARTForward(ForwardStage):
    """The clean error, and the symmetric KL to a pass whose embeddings were moved to change the output most.

    Args:
        steps: K ascent steps.
        noise_scale: sigma of the start, in units of the embedding.
        ascent_rate: length of an ascent step in the max norm, before projection.
        epsilon: max-norm radius, in units of the embedding.
        projection: "clip" (published) or "unit" (released code).
        kl_weight: lambda.
    """

    perturbs: ClassVar[bool] = True
    needs: ClassVar[str] = "token embeddings"

    def __init__(
        self,
        *,
        steps: int = 1,
        noise_scale: float = 1e-5,
        ascent_rate: float = 1e-3,
        epsilon: float = 1e-5,
        projection: Projection = "clip",
        kl_weight: float = 1.0,
    ) -> None:
        if steps < 1:
            raise UsageError(f"SMART steps must be at least 1, not {steps}.")
        if epsilon <= 0 or noise_scale <= 0 or ascent_rate < 0 or kl_weight < 0:
            raise UsageError("SMART's epsilon and noise_scale must be above 0, ascent_rate and kl_weight at least 0.")
        if projection not in get_args(Projection):
            raise unknown("projection", projection, get_args(Projection))
        self.steps, self.noise_scale, self.ascent_rate = steps, noise_scale, ascent_rate
        self.epsilon, self.projection, self.kl_weight = epsilon, projection, kl_weight

    def attach(self, model: nn.Module) -> None:
        embedding_width(model)

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        step.embeddings = SharedEmbeddings(model)
        mask = token_mask(batch)
        shape = (*mask.shape[:2], embedding_width(model))
        clean = forward_pass(model, batch, step, delta=torch.zeros(shape, device=mask.device))
        objective = objective_for(model, clean, batch["labels"])
        fixed = clean.detach()

        def disagreement(logits: Tensor) -> Tensor:
            return objective.symmetric_kl(logits, fixed) * objective.real

        delta = torch.empty(shape).normal_(0.0, self.noise_scale, generator=step.generator).to(mask.device) * mask
        for _ in range(self.steps):
            _, gradient = differentiate(model, batch, step, delta, loss=disagreement)
            delta = self._project(delta + self.ascent_rate * _unit(gradient.float() * mask)) * mask
        moved = forward_pass(model, batch, step, delta=delta)
        error = objective.mean(objective.loss(clean), step.num_items)
        smoothness = objective.mean(objective.symmetric_kl(moved, clean), step.num_items)
        terms = {"task_loss": error.detach(), "divergence": smoothness.detach()}
        return Loss(error + self.kl_weight * smoothness, terms)

    def _project(self, delta: Tensor) -> Tensor:
        if self.projection == "clip":
            return delta.clamp(-self.epsilon, self.epsilon)
        return self.epsilon * _unit(delta)

    def cost(self) -> float:
        return 6.0 + 2.0 * self.steps


def _unit(values: Tensor) -> Tensor:
    """Each token's vector, scaled to max norm 1."""
    return values / values.abs().amax(dim=-1, keepdim=True).clamp_min(TINY)
