"""R-Drop: two passes with different dropout that must agree (Liang et al. 2021, arXiv 2106.14448).

    L = 1/2 (CE(P_1, y) + CE(P_2, y)) + alpha * 1/2 (KL(P_1 | P_2) + KL(P_2 | P_1))

Published with the errors summed and not averaged, which the learning rate takes up; the released GLUE code sums the
KL over the batch, so that it depends on the batch size. Ours is the mean over targets. Regression: squared difference.
"""

from __future__ import annotations

from torch import nn

from uegr.errors import UsageError
from uegr.forward.objective import objective_for
from uegr.forward.stage import Batch, ForwardStage, Loss, Step, forward_pass


class RDropForward(ForwardStage):
    """Two dropout passes and the symmetric KL between them, with the model's own dropout rates.

    Args:
        kl_weight: alpha.
    """

    def __init__(self, *, kl_weight: float = 1.0) -> None:
        if kl_weight < 0:
            raise UsageError(f"kl_weight must not be negative, not {kl_weight}.")
        self.kl_weight = kl_weight

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        first, second = (forward_pass(model, batch, step) for _ in range(2))
        objective = objective_for(model, first, batch["labels"])
        error = objective.mean((objective.loss(first) + objective.loss(second)) / 2.0, step.num_items)
        disagreement = objective.mean(objective.symmetric_kl(first, second) / 2.0, step.num_items)
        terms = {"task_loss": error.detach(), "divergence": disagreement.detach()}
        return Loss(error + self.kl_weight * disagreement, terms)

    def cost(self) -> float:
        return 6.0
