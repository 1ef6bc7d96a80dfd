"""Adversarial training on the embeddings: FGM (one step) and PGD (several).

    delta* ~ argmax_{|delta| <= epsilon} CE(f(e + delta), y)
    L = CE(f(e + delta*), y) + gamma * CE(f(e), y)

FGM: Miyato et al. 2017, arXiv 1605.07725, K = 1, gamma = 1. PGD: Madry et al. 2018, arXiv 1706.06083, K > 1 from a
random start, gamma = 0. Ours: the relative epsilon, and the ramp, which is off as published.
"""

from __future__ import annotations

from typing import Any, ClassVar

from torch import nn

from uegr.errors import UsageError
from uegr.forward.adversaries.embedding_adversary import EmbeddingAdversary
from uegr.forward.forward_stage import Batch, ForwardStage, Loss, Step, forward_pass
from uegr.modeling.objective import objective_for
from uegr.perturb.ball import Norm


class AdversarialForward(ForwardStage):
    """The error of the adversarial sample, beside the clean one's.

    Args:
        epsilon, norm, relative, steps, step_size, random_start, ramp: see `EmbeddingAdversary`.
        clean_weight: gamma, the weight of the clean error.
    """

    perturbs: ClassVar[bool] = True
    needs: ClassVar[str] = "token embeddings"

    def __init__(
        self,
        *,
        epsilon: float = 0.03,
        norm: Norm = "l2",
        relative: bool = True,
        steps: int = 1,
        step_size: float | None = None,
        random_start: bool = False,
        ramp: float = 0.0,
        clean_weight: float = 1.0,
    ) -> None:
        if clean_weight < 0:
            raise UsageError(f"clean_weight must not be negative, not {clean_weight}.")
        self.adversary = EmbeddingAdversary(
            epsilon=epsilon,
            norm=norm,
            relative=relative,
            steps=steps,
            step_size=step_size,
            random_start=random_start,
            ramp=ramp,
        )
        self.clean_weight = clean_weight

    def attach(self, model: nn.Module) -> None:
        self.adversary.attach(model)

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        attacked = self.adversary.attack(model, batch, step, clean=self.clean_weight > 0)
        logits = forward_pass(model, batch, step, delta=attacked.delta)
        objective = objective_for(model, logits, batch["labels"])
        terms = {"adversarial_loss": objective.mean(objective.loss(logits), step.num_items)}
        loss = terms["adversarial_loss"]
        if attacked.clean is not None:
            terms["clean_loss"] = objective.mean(objective.loss(attacked.clean), step.num_items)
            loss = loss + self.clean_weight * terms["clean_loss"]
        return Loss(loss, {name: term.detach() for name, term in terms.items()})

    def cost(self) -> float:
        return 3.0 + self.adversary.cost(self.clean_weight > 0)

    def state_dict(self) -> dict[str, Any]:
        return self.adversary.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.adversary.load_state_dict(state)
