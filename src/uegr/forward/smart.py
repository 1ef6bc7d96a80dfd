"""SMART's smoothness term: the output must not move inside a small ball (Jiang et al. 2020, arXiv 1911.03437).

    L = CE(P, y) + lambda * max_{|delta| <= epsilon} l_s(f(e + delta), P),   l_s symmetric KL

The ascent starts from N(0, sigma^2) noise and follows the gradient of the symmetric KL, scaled to max norm 1 for each
token [ours; the released code takes the gradient of the one-sided KL, unscaled]. The projection on the max-norm ball
bounds each coordinate, as published (`projection="clip"`), or scales each token's delta to max norm epsilon exactly
("unit"), as the released code does with epsilon = 1, whatever its step size (mt-dnn issue 214). `relative` [ours] takes
the unit of UEGR for all three sizes. The published Bregman proximal term, which the released perturbation code does not
have, is left out.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor, nn

from uegr.forward.ball_unit import BallStage, BallUnit
from uegr.forward.forward_stage import Loss
from uegr.forward.input_gradient import input_gradient_at
from uegr.forward.model_pass import forward_pass
from uegr.forward.step_inputs import Batch, Step
from uegr.modeling.embeddings import embedding_width
from uegr.modeling.perturbed_pass import zero_delta
from uegr.modeling.real_tokens import token_mask
from uegr.modeling.shared_embeddings import SharedEmbeddings
from uegr.options import Options, option
from uegr.perturb.ball import Ball, token_max_norm
from uegr.perturb.embedding_noise import draw_noise

Projection = Literal["clip", "unit"]


@dataclass(frozen=True, kw_only=True)
class SMARTOptions(Options):
    """Options of `SMARTForward`."""

    ascent_steps: int = option(1, "K, the number of ascent steps", at_least=1)
    noise_scale: float = option(1e-5, "sigma of the start, in units of the embedding", above=0)
    ascent_rate: float = option(1e-3, "length of an ascent step in the max norm, before projection", at_least=0)
    epsilon: float = option(1e-5, "max-norm radius, in units of the embedding", above=0)
    projection: Projection = option("clip", "clip (published) or unit (released code)")
    kl_weight: float = option(1.0, "lambda, the weight of the symmetric KL", at_least=0)
    relative: bool = option(
        False, "True: noise_scale, ascent_rate and epsilon are relative to the mean embedding norm / sqrt(d) [ours]"
    )


class SMARTForward(BallStage):
    """The clean loss, and the symmetric KL to a pass whose embeddings were moved to change the output most."""

    options_class: ClassVar[type[Options]] = SMARTOptions
    options: SMARTOptions
    perturbs: ClassVar[bool] = True
    needs: ClassVar[str] = "token embeddings"

    def __init__(self, options: SMARTOptions | None = None) -> None:
        super().__init__(options)
        self.unit = BallUnit(Ball("linf", self.options.relative))

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        step.embeddings = SharedEmbeddings(model)
        mask = token_mask(batch)
        zero, unit = zero_delta(batch, embedding_width(model)), self.unit.of(model, mask)
        clean = forward_pass(model, batch, step, delta=zero)
        task = step.task(model, clean, batch)
        constant = clean.detach()

        def divergence_from_clean(logits: Tensor) -> Tensor:
            return task.symmetric_kl(logits, constant) * task.is_target

        delta = unit * draw_noise("normal", self.options.noise_scale, mask, zero.shape[-1], step.generator)
        for _ in range(self.options.ascent_steps):
            _, gradient = input_gradient_at(model, batch, step, delta, loss=divergence_from_clean)
            gradient = gradient.float() * mask
            moved = delta + self.options.ascent_rate * unit * (gradient / token_max_norm(gradient))
            delta = self._project(moved, self.options.epsilon * unit) * mask
        adversarial = forward_pass(model, batch, step, delta=delta)
        loss = task.mean(task.loss(clean), step.num_items)
        smoothness = task.mean(task.symmetric_kl(adversarial, clean), step.num_items)
        terms = {"task_loss": loss.detach(), "divergence": smoothness.detach()}
        return Loss(loss + self.options.kl_weight * smoothness, terms)

    def _project(self, delta: Tensor, radius: Tensor) -> Tensor:
        clip = self.options.projection == "clip"
        return self.unit.ball.project(delta, radius) if clip else radius * (delta / token_max_norm(delta))

    def cost(self) -> float:
        return 6.0 + 2.0 * self.options.ascent_steps
