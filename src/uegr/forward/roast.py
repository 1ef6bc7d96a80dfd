"""RoAST's forward stage: the adversarial sample's loss, tied to the clean one (Kim et al. 2023, arXiv 2312.04032).

    L = 1/2 (CE(P, y) + CE(Q, y)) + lambda * (KL(P | Q) + KL(Q | P)),   Q = f(e + delta)
    delta = epsilon * g / max_d |g| per token, g = gradient of the task's loss at a start of size 1e-5

As published. The released code, which produced the published numbers, never adds CE(Q, y) and sums the KL over the
batch. Here the KL is the mean over targets, and `adversarial_loss` adds CE(Q, y). `relative` [ours] takes the unit of
UEGR for epsilon.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from uegr.forward.ball_unit import BallStage, BallUnit
from uegr.forward.forward_stage import Loss
from uegr.forward.input_gradient import input_gradient_at
from uegr.forward.model_pass import forward_pass
from uegr.forward.step_inputs import Batch, Step
from uegr.modeling.embeddings import embedding_width
from uegr.modeling.real_tokens import token_mask
from uegr.modeling.shared_embeddings import SharedEmbeddings
from uegr.options import Options, option
from uegr.perturb.ball import Ball, token_max_norm
from uegr.perturb.embedding_noise import draw_noise

START = 1e-5
"""Size of the one-sided uniform start, in units of the embedding (released code)."""


@dataclass(frozen=True, kw_only=True)
class RoASTForwardOptions(Options):
    """Options of `RoASTForward`."""

    epsilon: float = option(
        0.1, "max-norm size of each token's perturbation, in units of the embedding (released: 0.1)", above=0
    )
    kl_weight: float = option(
        0.16, "lambda, the weight of the symmetric KL (released: 0.01 of the sum over a batch of 16)", at_least=0
    )
    adversarial_loss: bool = option(
        False,
        "count the adversarial sample's loss, as published. Off, as released: with it, an epsilon of 0.1 collapses a "
        "small encoder to the majority class from the first step",
    )
    relative: bool = option(False, "True: epsilon is relative to the mean embedding norm / sqrt(d) [ours]")


class RoASTForward(BallStage):
    """A clean and an adversarial pass, their losses, and the symmetric KL between them."""

    options_class: ClassVar[type[Options]] = RoASTForwardOptions
    options: RoASTForwardOptions
    perturbs: ClassVar[bool] = True
    needs: ClassVar[str] = "token embeddings"

    def __init__(self, options: RoASTForwardOptions | None = None) -> None:
        super().__init__(options)
        self.unit = BallUnit(Ball("linf", self.options.relative))

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        step.embeddings = SharedEmbeddings(model)
        mask = token_mask(batch)
        start = draw_noise("positive", START, mask, embedding_width(model), step.generator)
        _, gradient = input_gradient_at(model, batch, step, start)
        gradient = gradient.float() * mask
        size = self.options.epsilon * self.unit.of(model, mask)
        delta = start + size * gradient / token_max_norm(gradient)
        # The clean pass has a delta, too, so that both passes share one lookup of the embeddings.
        clean = forward_pass(model, batch, step, delta=torch.zeros_like(start))
        adversarial = forward_pass(model, batch, step, delta=delta)
        task = step.task(model, clean, batch)
        terms = {
            "clean_loss": task.mean(task.loss(clean), step.num_items),
            "adversarial_loss": task.mean(task.loss(adversarial), step.num_items),
            "divergence": task.mean(task.symmetric_kl(clean, adversarial), step.num_items),
        }
        loss = terms["clean_loss"] / 2.0 + self.options.kl_weight * terms["divergence"]
        if self.options.adversarial_loss:
            loss = loss + terms["adversarial_loss"] / 2.0
        return Loss(loss, {name: term.detach() for name, term in terms.items()})

    def cost(self) -> float:
        return 8.0
