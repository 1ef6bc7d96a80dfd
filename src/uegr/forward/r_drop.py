"""R-Drop: two passes with different dropout that must agree (Liang et al. 2021, arXiv 2106.14448).

    L = 1/2 (CE(P_1, y) + CE(P_2, y)) + alpha * 1/2 (KL(P_1 | P_2) + KL(P_2 | P_1))

The paper sums the two losses instead of averaging them, which acts like a larger learning rate. The released GLUE code
sums the KL over the batch, so it depends on the batch size; ours is the mean over targets. Regression: squared
difference.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from uegr.forward.forward_stage import ForwardStage, Loss
from uegr.forward.model_pass import forward_pass
from uegr.forward.step_inputs import Batch, Step
from uegr.forward.view_options import ViewOptions
from uegr.forward.viewed_passes import read_view
from uegr.modeling.dropout_sites import DropoutSites
from uegr.options import Options, option


@dataclass(frozen=True, kw_only=True)
class RDropOptions(ViewOptions):
    """Options of `RDropForward`."""

    kl_weight: float = option(1.0, "alpha, the weight of the symmetric KL", at_least=0)
    dropout: float = option(
        0.1,
        "rate given to a model whose own rates are all 0 (Llama, ModernBERT), where the two passes would be equal "
        "[ours]",
        above=0,
        below=1,
    )

    max_views: ClassVar[int | None] = 2
    shares_one_view: ClassVar[bool] = False


class RDropForward(ForwardStage):
    """Two dropout passes and the symmetric KL between them."""

    options_class: ClassVar[type[Options]] = RDropOptions
    options: RDropOptions
    sets_dropout: ClassVar[bool] = True
    needs: ClassVar[str] = "dropout"

    def __init__(self, options: RDropOptions | None = None) -> None:
        super().__init__(options)
        self.views = self.options.view_of_each_pass(2)

    def attach(self, model: nn.Module) -> None:
        DropoutSites(model)  # refuses a model that has no place for dropout

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        first, second = self.two_passes(model, batch, step)
        task = step.task(model, first, batch)
        loss = task.mean((task.loss(first) + task.loss(second)) / 2.0, step.num_items)
        divergence = task.mean(task.symmetric_kl(first, second) / 2.0, step.num_items)
        terms = {"task_loss": loss.detach(), "divergence": divergence.detach()}
        return Loss(loss + self.options.kl_weight * divergence, terms)

    def two_passes(self, model: nn.Module, batch: Batch, step: Step) -> tuple[Tensor, Tensor]:
        """The logits of two passes that differ in their dropout."""
        step.sites = self.dropout_sites(model)
        rate = None if any(step.sites.own) else self.options.dropout
        batches = [read_view(batch, view, step).batch for view in self.views]
        first, second = (forward_pass(model, view_batch, step, rate=rate) for view_batch in batches)
        return first, second

    def cost(self) -> float:
        return 6.0
