"""FreeLB: K ascent steps whose weight gradients all count (Zhu et al. 2020, arXiv 1909.11764).

    L = 1/K sum_t CE(f(e + delta_t), y)
    delta_{t+1} = Proj_{|delta| <= epsilon}(delta_t + alpha * g_t / |g_t|),   g_t = grad_delta CE(f(e + delta_t), y)
    delta_0 = U(-1, 1) * m / sqrt(T d)

One backward pass a step serves both the weights and delta, so K steps cost K plain steps. In units of the embedding,
l2 norm per sequence, as in the released code, whose names stand in brackets below.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.forward.carried_gradients import add_up, carry, trainable
from uegr.forward.forward_stage import Batch, ForwardStage, Loss, Step, forward_pass
from uegr.modeling.embeddings import embedding_width, token_mask
from uegr.modeling.objective import objective_for
from uegr.perturb.ball import Ball
from uegr.perturb.embedding_noise import uniform_noise

BALL = Ball("l2", relative=False)


class FreeLBForward(ForwardStage):
    """The mean error over K points of an ascent.

    Args:
        steps: K [adv_steps] (released: 2 to 4).
        ascent_rate: alpha, length of an ascent step [adv_lr] (released: 0.02 to 0.2).
        init_magnitude: m, size of the random start [adv_init_mag]; 0 starts at the clean sample.
        max_norm: epsilon, the ball's radius [adv_max_norm]; 0 sets no bound.
    """

    perturbs: ClassVar[bool] = True
    needs: ClassVar[str] = "token embeddings"

    def __init__(
        self, *, steps: int = 3, ascent_rate: float = 0.1, init_magnitude: float = 0.1, max_norm: float = 0.3
    ) -> None:
        if steps < 1:
            raise UsageError(f"FreeLB steps must be at least 1, not {steps}.")
        if min(ascent_rate, init_magnitude, max_norm) < 0:
            raise UsageError("ascent_rate, init_magnitude and max_norm must not be negative.")
        self.steps, self.ascent_rate = steps, ascent_rate
        self.init_magnitude, self.max_norm = init_magnitude, max_norm

    def attach(self, model: nn.Module) -> None:
        embedding_width(model)

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        weights, mask = trainable(model), token_mask(batch)
        delta = uniform_noise(mask, embedding_width(model), self.init_magnitude, step.generator)
        total = torch.zeros((), device=mask.device)
        summed: list[Tensor | None] = [None] * len(weights)
        for at in range(self.steps):
            leaf = delta.requires_grad_()
            logits = forward_pass(model, batch, step, delta=leaf)
            objective = objective_for(model, logits, batch["labels"])
            loss = objective.mean(objective.loss(logits), step.num_items) / self.steps
            last = at == self.steps - 1
            gradients = torch.autograd.grad(loss, weights if last else [*weights, leaf], allow_unused=True)
            add_up(summed, gradients[: len(weights)])
            total = total + loss.detach()
            if not last:
                delta = self._ascend(leaf.detach(), gradients[-1], mask)
        return Loss(carry(total, weights, summed), {"adversarial_loss": total})

    def _ascend(self, delta: Tensor, gradient: Tensor | None, mask: Tensor) -> Tensor:
        assert gradient is not None  # the pass took delta in
        moved = delta + self.ascent_rate * BALL.direction(gradient.float() * mask)
        return BALL.project(moved, torch.tensor(self.max_norm, device=moved.device)) if self.max_norm else moved

    def cost(self) -> float:
        return 3.0 * self.steps
