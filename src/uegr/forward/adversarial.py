"""Adversarial training on the embeddings: FGM (one step) and PGD (several).

    delta* ~ argmax_{|delta| <= epsilon} CE(f(e + delta), y)
    L = CE(f(e + delta*), y) + gamma * CE(f(e), y)

FGM: Miyato et al. 2017, arXiv 1605.07725, K = 1, gamma = 1. PGD: Madry et al. 2018, arXiv 1706.06083, K > 1 from a
random start, gamma = 0. Ours: the relative epsilon.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from uegr.forward.clean_pass import CleanPass, clean_pass_with_gradient
from uegr.forward.embedding_adversary import AdversarialStage, EmbeddingAdversary
from uegr.forward.forward_stage import Loss
from uegr.forward.model_pass import forward_pass
from uegr.forward.step_inputs import Batch, Step
from uegr.options import Options, option
from uegr.perturb.ball import Ball, Norm
from uegr.perturb.projected_ascent import ProjectedAscent


@dataclass(frozen=True, kw_only=True)
class AdversarialOptions(Options):
    """Options of `AdversarialForward`."""

    epsilon: float = option(0.03, "radius of the perturbation, relative to the mean embedding norm", above=0)
    norm: Norm = option("l2", "l2 per sequence, l2_token per token, or linf per coordinate")
    relative: bool = option(True, "False: epsilon is the radius itself, in units of the embedding")
    ascent_steps: int = option(1, "K, the number of ascent steps", at_least=1)
    step_size: float | None = option(
        None, "length of a step as a share of the radius; None takes 1 for one step and 2.5/K for more", above=0
    )
    random_start: bool = option(False, "start at a random point of the ball and not at its centre")
    clean_weight: float = option(1.0, "gamma, the weight of the clean loss", at_least=0)


class AdversarialForward(AdversarialStage):
    """The loss of the adversarial sample, and that of the clean one."""

    options_class: ClassVar[type[Options]] = AdversarialOptions
    options: AdversarialOptions
    perturbs: ClassVar[bool] = True
    needs: ClassVar[str] = "token embeddings"

    def __init__(self, options: AdversarialOptions | None = None) -> None:
        super().__init__(options)
        o = self.options
        ascent = ProjectedAscent(Ball(o.norm, o.relative), o.ascent_steps, o.step_size)
        self.adversary: EmbeddingAdversary = EmbeddingAdversary(ascent, o.epsilon, random_start=o.random_start)

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        counts_clean = self.options.clean_weight > 0
        clean: CleanPass | None = None
        if not self.options.random_start:
            clean = clean_pass_with_gradient(model, batch, step, keep_graph=counts_clean)
        elif counts_clean:
            clean = CleanPass(forward_pass(model, batch, step))
        delta = self.adversary.attack(model, batch, step, clean=clean)
        logits = forward_pass(model, batch, step, delta=delta)
        task = step.task(model, logits, batch)
        terms = {"adversarial_loss": task.mean(task.loss(logits), step.num_items)}
        loss = terms["adversarial_loss"]
        if clean is not None and counts_clean:
            terms["clean_loss"] = task.mean(task.loss(clean.logits), step.num_items)
            loss = loss + self.options.clean_weight * terms["clean_loss"]
        return Loss(loss, {name: term.detach() for name, term in terms.items()})

    def cost(self) -> float:
        clean = (3.0 if self.options.random_start else 2.0) if self.options.clean_weight > 0 else 0.0
        return 3.0 + 2.0 * self.options.ascent_steps + clean
