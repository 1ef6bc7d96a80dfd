"""UEGR's forward stage: an adversarial sample through k sub-models that must agree.

    delta* ~ argmax_{|delta| <= epsilon} CE(f(e + delta), y)
    L_adv  = 1/k sum_i CE(P_i, y),   P_i = softmax f(e + delta*; dropout r_i)
    L_JS   = H(mean_i P_i) - 1/k sum_i H(P_i)
    L      = L_adv + lambda * L_JS  [paper]  + gamma * CE(P_0, y), P_0 the clean pass, in the JS too  [ours]

To first order L_adv = CE + epsilon * |grad_e CE|_*: it regularises the input gradient (arXiv 2503.16550).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.forward.adversary import Adversary, Ball, Norm
from uegr.forward.ascent import differentiate, zero_delta
from uegr.forward.compiled import dropout_sites
from uegr.forward.dropout import AdaptiveDropout, DropoutMode
from uegr.forward.embeddings import EmbeddingScale, embedding_scale
from uegr.forward.objective import objective_for
from uegr.forward.sites import DropoutSites
from uegr.forward.stage import Batch, ForwardStage, Loss, Step, forward_pass

RAMP_STEPS_WITHOUT_TOTAL = 100
"""Length of the ramp where nobody told how long training is: about half of 2,000 examples, 3 epochs."""


class UEGRForward(ForwardStage):
    """Adversarial sample, k adaptive-dropout passes, Jensen-Shannon consistency.

    Args:
        passes: k, the number of adversarial sub-models.
        dropout: range (low, high) of the dropout rates, or the k rates for dropout_mode "combination".
        dropout_mode: how the rates are chosen; see `AdaptiveDropout`.
        dropout_target: the divergence that dropout_mode "feedback" steers to, in nats.
        adversary: False leaves the sample clean (an ablation): k dropout passes and JS alone.
        epsilon: radius of the perturbation; relative to the embedding norm unless relative=False.
        norm: "l2" (per sequence), "l2_token" or "linf".
        relative: see `Ball`.
        steps, step_size, random_start: see `Adversary`.
        ramp: epsilon climbs linearly from 0 over this share of the training [ours]: a fixed epsilon that is
            fine late in training can pin a fresh model at the majority class from the first step.
        js_weight: lambda, the weight of the divergence.
        clean_weight: gamma [ours]. Above 0, the attack's own clean pass counts as one more sub-model: its
            error is added with this weight and its output joins the divergence, at the price of no forward.
    """

    def __init__(
        self,
        *,
        passes: int = 2,
        dropout: tuple[float, ...] = (0.1, 0.3),
        dropout_mode: DropoutMode = "spread",
        dropout_target: float = 0.02,
        adversary: bool = True,
        epsilon: float = 0.06,
        norm: Norm = "l2",
        relative: bool = True,
        steps: int = 1,
        step_size: float | None = None,
        random_start: bool = False,
        ramp: float = 0.5,
        js_weight: float = 1.0,
        clean_weight: float = 1.0,
    ) -> None:
        if epsilon <= 0:
            raise UsageError(f"epsilon must be above 0, not {epsilon}; adversary=False turns the adversary off.")
        if not 0.0 <= ramp <= 1.0:
            raise UsageError(f"ramp is a share of the training and must lie in [0, 1], not {ramp}.")
        for name, weight in (("js_weight", js_weight), ("clean_weight", clean_weight)):
            if weight < 0:
                raise UsageError(f"{name} must not be negative, not {weight}.")
        self.dropout = AdaptiveDropout(passes, dropout, dropout_mode, target=dropout_target)
        self.adversary = Adversary(Ball(norm, relative), steps, step_size, random_start) if adversary else None
        self.epsilon, self.ramp = epsilon, ramp
        self.js_weight, self.clean_weight = js_weight, clean_weight
        self._scale: EmbeddingScale | None = None
        self._sites: DropoutSites | None = None

    def attach(self, model: nn.Module) -> None:
        DropoutSites(model)
        self._scale = embedding_scale(model)

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        self.release()
        self._sites = sites = dropout_sites(model, self.dropout.fixed)
        rates = self.dropout.rates(len(sites), step.generator)
        clean, delta = self._attack(model, batch, step)
        outputs = [forward_pass(model, batch, step, delta=delta, sites=sites, rates=rate) for rate in rates]

        objective = objective_for(model, outputs[0], batch["labels"])
        errors = torch.stack([objective.loss(one) for one in outputs]).mean(dim=0)
        terms = {"adversarial_loss": objective.mean(errors, step.num_items)}
        loss = terms["adversarial_loss"]
        if clean is not None:
            terms["clean_loss"] = objective.mean(objective.loss(clean), step.num_items)
            loss = loss + self.clean_weight * terms["clean_loss"]
            outputs.append(clean)
        divergence = objective.divergence(outputs)
        self.dropout.observe(objective.mean(divergence))
        terms["divergence"] = objective.mean(divergence, step.num_items)
        loss = loss + self.js_weight * terms["divergence"]
        return Loss(loss, {name: term.detach() for name, term in terms.items()})

    def epsilon_at(self, step: Step) -> float:
        """The epsilon of this optimizer step, on the ramp or past it."""
        total = step.total_steps
        length = RAMP_STEPS_WITHOUT_TOTAL if total is None else self.ramp * total
        return self.epsilon * (min(1.0, step.step / length) if self.ramp and length else 1.0)

    def _attack(self, model: nn.Module, batch: Batch, step: Step) -> tuple[Tensor | None, Tensor | None]:
        """The clean logits, if they count in the loss, and the adversarial delta, shape (B, T, d), if any."""
        clean = None
        if self.adversary is None:
            if self.clean_weight:
                clean = forward_pass(model, batch, step, sites=self._sites)
            return clean, None
        self._scale = self._scale or embedding_scale(model)  # called without a Method around it
        start, mask = zero_delta(batch, self._scale)
        radius = self.epsilon_at(step) * self.adversary.ball.unit(self._scale, mask)

        def gradient_at(delta: Tensor) -> Tensor:
            return differentiate(model, batch, step, delta, sites=self._sites)[1]

        first = None
        if self.adversary.random_start:
            if self.clean_weight:
                clean = forward_pass(model, batch, step, sites=self._sites)
            start = self.adversary.ball.random_point(start.shape, radius, mask, step.generator)
        else:
            logits, first = differentiate(
                model, batch, step, start, sites=self._sites, keep_graph=self.clean_weight > 0
            )
            clean = logits if self.clean_weight else None
        delta = self.adversary.perturb(gradient_at, radius, mask, start, first)
        return clean, delta

    def cost(self) -> float:
        k, adversary = self.dropout.passes, self.adversary
        attack = 2.0 * adversary.steps if adversary else 0.0
        shared = adversary is not None and not adversary.random_start
        clean = (2.0 if shared else 3.0) if self.clean_weight else 0.0
        return attack + clean + 3.0 * k

    def release(self) -> None:
        if self._sites is not None:
            self._sites.release()
            self._sites = None

    def state_dict(self) -> dict[str, Any]:
        scale = None if self._scale is None else {"norm": self._scale.norm, "width": self._scale.width}
        return {"dropout": self.dropout.state_dict(), "scale": scale}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.dropout.load_state_dict(state["dropout"])
        self._scale = None if state["scale"] is None else EmbeddingScale(**state["scale"])
