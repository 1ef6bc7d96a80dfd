"""The adversary of UEGR, FGM and PGD: it moves the token embeddings within a ball that grows over the training."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.forward.adversaries.adversary import Adversary, AttackedBatch, CleanGradient
from uegr.forward.adversaries.label_shares import LabelShares
from uegr.forward.forward_stage import Batch, Step, forward_pass
from uegr.forward.input_gradient import differentiate, zero_delta
from uegr.modeling.dropout_sites import DropoutSites
from uegr.modeling.embeddings import EmbeddingScale, embedding_scale
from uegr.modeling.objective import objective_for
from uegr.perturb.ball import Ball, Norm
from uegr.perturb.projected_ascent import ProjectedAscent

RAMP_STEPS_WITHOUT_TOTAL = 100
"""Length of the ramp where nobody told how long training is: about half of 2,000 examples, 3 epochs."""


class EmbeddingAdversary(Adversary):
    """Projected gradient ascent on the embeddings, epsilon on a ramp.

    Args:
        epsilon: the ball's radius.
        norm, relative: see `Ball`.
        steps, step_size, random_start: see `ProjectedAscent`.
        ramp: epsilon climbs linearly from 0 over this share of the training [ours].
        by_confidence: the radius of an example is so much of epsilon as the model is sure of its label on the clean
            sample, from 0 at chance to 1 [ours]; see `Objective.confidence`. What is not learned yet is not attacked,
            and chance knows how often each label came so far: it is no merit to say the most frequent one.
            After a random start that takes a clean pass of its own.
    """

    def __init__(
        self,
        *,
        epsilon: float,
        norm: Norm = "l2",
        relative: bool = True,
        steps: int = 1,
        step_size: float | None = None,
        random_start: bool = False,
        ramp: float = 0.0,
        by_confidence: bool = False,
    ) -> None:
        if epsilon <= 0:
            raise UsageError(f"epsilon must be above 0, not {epsilon}; --method plain trains without an adversary.")
        if not 0.0 <= ramp <= 1.0:
            raise UsageError(f"ramp is a share of the training and must lie in [0, 1], not {ramp}.")
        self.ascent = ProjectedAscent(Ball(norm, relative), steps, step_size, random_start)
        self.epsilon, self.ramp, self.by_confidence = epsilon, ramp, by_confidence
        self._scale: EmbeddingScale | None = None
        self._shares = LabelShares()

    def attach(self, model: nn.Module) -> None:
        """Measure the model's embeddings, the unit of a relative epsilon, before training moves them."""
        self._scale = embedding_scale(model)

    def attack(
        self,
        model: nn.Module,
        batch: Batch,
        step: Step,
        sites: DropoutSites | None = None,
        *,
        clean: bool = False,
        known: CleanGradient | None = None,
    ) -> AttackedBatch:
        """Perturb a batch; with `clean`, give back the clean logits too, which cost no pass of their own unless
        the ascent starts at random."""
        if self._scale is None:  # a stage called without a Method around it
            self.attach(model)
        assert self._scale is not None
        start, mask = zero_delta(batch, self._scale)
        radius = self.epsilon_at(step) * self.ascent.ball.unit(self._scale, mask)

        def gradient_at(delta: Tensor) -> Tensor:
            return differentiate(model, batch, step, delta, sites=sites)[1]

        logits, first = None, None
        if self.ascent.random_start:
            if clean or self.by_confidence:
                with torch.set_grad_enabled(clean):
                    logits = forward_pass(model, batch, step, sites=sites)
            start = self.ascent.ball.random_point(start.shape, radius, mask, step.generator)
        elif known is not None:
            logits, first = known.logits, known.gradient
        else:
            logits, first = differentiate(model, batch, step, start, sites=sites, keep_graph=clean)
        if self.by_confidence and logits is not None:
            radius = radius * self._confidence(model, batch, step, logits.detach())
        delta = self.ascent.perturb(gradient_at, radius, mask, start, first)
        return AttackedBatch(batch, delta, logits if clean else None, first)

    def epsilon_at(self, step: Step) -> float:
        """The epsilon of this optimizer step, on the ramp or past it."""
        total = step.total_steps
        length = RAMP_STEPS_WITHOUT_TOTAL if total is None else self.ramp * total
        return self.epsilon * (min(1.0, step.step / length) if self.ramp and length else 1.0)

    def cost(self, clean: bool) -> float:
        ascent, own = 2.0 * self.ascent.steps, self.ascent.random_start
        if clean:
            return ascent + (3.0 if own else 2.0)
        return ascent + (1.0 if own and self.by_confidence else 0.0)

    def state_dict(self) -> dict[str, Any]:
        scale = self._scale
        measured = None if scale is None else {"norm": scale.norm, "width": scale.width}
        return {"scale": measured, "shares": self._shares.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._scale = None if state["scale"] is None else EmbeddingScale(**state["scale"])
        self._shares.load_state_dict(state["shares"])

    def _confidence(self, model: nn.Module, batch: Batch, step: Step, logits: Tensor) -> Tensor:
        """How sure of its targets the model is on each example, their mean where it has several, (B, 1, 1)."""
        objective = objective_for(model, logits, batch["labels"])
        shares = self._shares.observe(objective.tally(logits.shape[-1]), step.step)
        rows = len(batch["labels"])
        real = objective.real.reshape(rows, -1)
        sure = objective.confidence(logits, shares).reshape(rows, -1) * real
        return (sure.sum(dim=1) / real.sum(dim=1).clamp_min(1))[:, None, None]
