"""R-Drop: two passes with different dropout that must agree (Liang et al. 2021, arXiv 2106.14448).

    L = 1/2 (CE(P_1, y) + CE(P_2, y)) + alpha * 1/2 (KL(P_1 | P_2) + KL(P_2 | P_1))

Published with the errors summed and not averaged, which the learning rate takes up; the released GLUE code sums the
KL over the batch, so that it depends on the batch size. Ours is the mean over targets. Regression: squared difference.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.forward.compiled import dropout_sites
from uegr.forward.forward_stage import Batch, ForwardStage, Loss, Step, forward_pass
from uegr.modeling.dropout_sites import DropoutSites
from uegr.modeling.objective import objective_for


class RDropForward(ForwardStage):
    """Two dropout passes and the symmetric KL between them, with the model's own dropout rates.

    Args:
        kl_weight: alpha.
        dropout: rate given to a model whose own rates are all 0 (Llama, ModernBERT), where the two passes would be
            one [ours].
    """

    needs: ClassVar[str] = "dropout"

    def __init__(self, *, kl_weight: float = 1.0, dropout: float = 0.1) -> None:
        if kl_weight < 0:
            raise UsageError(f"kl_weight must not be negative, not {kl_weight}.")
        self.kl_weight = kl_weight
        self.twice = TwicePassed(dropout)

    def attach(self, model: nn.Module) -> None:
        self.twice.attach(model)

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        first, second = self.twice(model, batch, step)
        objective = objective_for(model, first, batch["labels"])
        error = objective.mean((objective.loss(first) + objective.loss(second)) / 2.0, step.num_items)
        disagreement = objective.mean(objective.symmetric_kl(first, second) / 2.0, step.num_items)
        terms = {"task_loss": error.detach(), "divergence": disagreement.detach()}
        return Loss(error + self.kl_weight * disagreement, terms)

    def cost(self) -> float:
        return 6.0

    def release(self) -> None:
        self.twice.release()


class TwicePassed:
    """Two passes of a batch that differ in their dropout, on models without any too.

    Args:
        dropout: rate given to a model whose own rates are all 0.
    """

    def __init__(self, dropout: float) -> None:
        if not 0.0 < dropout < 1.0:
            raise UsageError(f"dropout must lie in (0, 1), not {dropout}.")
        self.dropout = dropout
        self._sites: DropoutSites | None = None

    def attach(self, model: nn.Module) -> None:
        """Refuse a model that has no place for dropout."""
        DropoutSites(model)

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> tuple[Tensor, Tensor]:
        """The two logits."""
        self.release()
        self._sites = sites = dropout_sites(model, fixed_rates=True)
        rates = self.dropout if sites.silent else None
        first, second = (forward_pass(model, batch, step, sites=sites, rates=rates) for _ in range(2))
        return first, second

    def release(self) -> None:
        """Leave the model as it was."""
        if self._sites is not None:
            self._sites.release()
            self._sites = None
