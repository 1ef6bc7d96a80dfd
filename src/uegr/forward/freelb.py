"""FreeLB: K ascent steps whose weight gradients all count (Zhu et al. 2020, arXiv 1909.11764).

    L = 1/K sum_t CE(f(e + delta_t), y)
    delta_{t+1} = Proj_{|delta| <= epsilon}(delta_t + alpha * g_t / |g_t|),   g_t = grad_delta CE(f(e + delta_t), y)
    delta_0 = U(-1, 1) * m / sqrt(T d)

One backward pass per step serves both the weights and delta, so K steps cost K plain steps. l2 norm per sequence, in
units of the embedding, as in the released code, whose names stand in brackets below; `relative` [ours] takes the unit
of UEGR.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from uegr.forward.ball_unit import BallStage, BallUnit
from uegr.forward.carried_gradients import add_up, carry
from uegr.forward.forward_stage import Loss
from uegr.forward.model_pass import forward_pass
from uegr.forward.step_inputs import Batch, Step
from uegr.modeling.embeddings import embedding_width
from uegr.modeling.float16_gradients import loss_scale
from uegr.modeling.real_tokens import token_mask
from uegr.modeling.token_gradients import require_gradient
from uegr.options import Options, option
from uegr.perturb.ball import Ball
from uegr.perturb.embedding_noise import length_scaled_noise


@dataclass(frozen=True, kw_only=True)
class FreeLBOptions(Options):
    """Options of `FreeLBForward`."""

    ascent_steps: int = option(3, "K, the number of ascent steps [adv_steps] (released: 2 to 4)", at_least=1)
    ascent_rate: float = option(0.1, "alpha, length of an ascent step [adv_lr] (released: 0.02 to 0.2)", at_least=0)
    init_magnitude: float = option(
        0.1, "m, size of the random start [adv_init_mag]; 0 starts at the clean sample", at_least=0
    )
    max_norm: float = option(0.3, "epsilon, the ball's radius [adv_max_norm]; 0 sets no bound", at_least=0)
    relative: bool = option(
        False, "True: ascent_rate, init_magnitude and max_norm are relative to the mean embedding norm [ours]"
    )


class FreeLBForward(BallStage):
    """The mean loss over K points of an ascent."""

    options_class: ClassVar[type[Options]] = FreeLBOptions
    options: FreeLBOptions
    perturbs: ClassVar[bool] = True
    needs: ClassVar[str] = "token embeddings"

    def __init__(self, options: FreeLBOptions | None = None) -> None:
        super().__init__(options)
        self.unit = BallUnit(Ball("l2", self.options.relative))

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        o, steps = self.options, self.options.ascent_steps
        weights, mask = step.trainable_weights(model), token_mask(batch)
        unit = self.unit.of(model, mask)
        radius = o.max_norm * unit if o.max_norm else torch.full_like(unit, math.inf)  # inf * 0 would be nan
        delta = unit * length_scaled_noise(o.init_magnitude, mask, embedding_width(model), step.generator)
        total, scale = torch.zeros((), device=mask.device), torch.ones((), device=mask.device)
        summed: list[Tensor | None] = [None] * len(weights)
        for t in range(steps):
            leaf = delta.requires_grad_()
            logits = forward_pass(model, batch, step, delta=leaf)
            task = step.task(model, logits, batch)
            loss = task.mean(task.loss(logits), step.num_items) / steps
            is_last = t == steps - 1
            if t == 0:
                scale = loss_scale(loss)
            inputs = weights if is_last else [*weights, leaf]
            gradients = torch.autograd.grad(scale * loss, inputs, allow_unused=True)
            add_up(summed, gradients[: len(weights)])
            total = total + loss.detach()
            if not is_last:
                gradient = require_gradient(gradients[-1]).float()
                delta = self.unit.ball.ascend(leaf, gradient, o.ascent_rate * unit, radius, mask)
        return Loss(carry(total, weights, summed, scale), {"adversarial_loss": total})

    def cost(self) -> float:
        return 3.0 * self.options.ascent_steps
