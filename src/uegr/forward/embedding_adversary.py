"""The adversary of UEGR, FGM and PGD: projected gradient ascent on the token embeddings."""

from typing import Any

import torch
from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.forward.ball_unit import BallUnit
from uegr.forward.clean_pass import CleanPass
from uegr.forward.forward_stage import ForwardStage
from uegr.forward.input_gradient import input_gradient_at
from uegr.forward.label_statistics import LabelStatistics
from uegr.forward.step_inputs import Batch, Step
from uegr.modeling.data_parallel import sum_over_processes
from uegr.modeling.perturbed_pass import zero_delta
from uegr.modeling.real_tokens import token_mask
from uegr.modeling.task_kinds.own_loss import detached
from uegr.perturb.projected_ascent import ProjectedAscent


class EmbeddingAdversary:
    """Moves the token embeddings to raise the loss.

    Args:
        ascent: steps and ball of the attack.
        epsilon: the ball's radius, in its unit.
        random_start: start from a random point of the ball and not from its centre.
        by_confidence: scale the radius of each example by the model's confidence in its label on the clean sample, from
            0 at chance to 1 [ours]; see `TaskKind.confidence`. Chance is at least the share of the label in the
            training so far: a model that predicts the most frequent label for every input has learned nothing. Once a
            batch contains a label that is not one of the model's classes (ordinal losses use such labels), the
            confidence is 1 for every example from then on.
    """

    def __init__(
        self, ascent: ProjectedAscent, epsilon: float, *, random_start: bool = False, by_confidence: bool = False
    ) -> None:
        self.ascent, self.epsilon = ascent, epsilon
        self.random_start, self.by_confidence = random_start, by_confidence
        self._unit = BallUnit(ascent.ball)
        self._label_statistics = LabelStatistics()
        self._other_labels = torch.zeros((), dtype=torch.bool)

    def attach(self, model: nn.Module) -> None:
        """Measure the model's embeddings, the unit of a relative epsilon, before training moves them."""
        self._unit.attach(model)

    def attack(self, model: nn.Module, batch: Batch, step: Step, *, clean: CleanPass | None = None) -> Tensor:
        """Return the perturbation of a batch, (B, T, d).

        Args:
            model, batch, step: as for `input_gradient_at`.
            clean: a pass over the unperturbed batch. Without it, or with a random start, the first gradient is
                computed here.
        """
        mask = token_mask(batch)
        radius = self.epsilon * self._unit.of(model, mask)

        def gradient_at(delta: Tensor) -> Tensor:
            return input_gradient_at(model, batch, step, delta)[1]

        start, first_gradient = zero_delta(batch, self._unit.scale(model).width), None
        if self.random_start:
            start = self.ascent.ball.random_point(radius, mask, start.shape[-1], step.generator)
        elif clean is not None:
            first_gradient = clean.gradient
        if self.by_confidence and clean is not None:
            radius = radius * self._confidence(model, batch, step, detached(clean.logits))
        return self.ascent.perturb(gradient_at, radius, mask, start, first_gradient)

    def _confidence(self, model: nn.Module, batch: Batch, step: Step, logits: Tensor) -> Tensor:
        """The model's confidence in each example, the mean over its targets, (B, 1, 1).

        1 if the loss is the user's own and has no labels, or has labels that are not classes of the model.
        """
        task = step.task(model, logits, batch)
        if not task.has_labels:
            return torch.ones((), device=logits.device)
        counts = sum_over_processes(task.label_counts(logits.shape[-1]))
        label_statistics = self._label_statistics.observe(counts, step.number)
        confidence = task.mean_per_example(task.confidence(logits, label_statistics))
        if task.loss_fn is not None:
            self._other_labels = self._other_labels.to(counts.device) | task.counts_other_labels(counts)
            confidence = torch.where(self._other_labels, 1.0, confidence)
        choices = len(token_mask(batch)) // len(confidence)  # an example of multiple choice has several rows
        return confidence.repeat_interleave(choices)[:, None, None]

    def state_dict(self) -> dict[str, Any]:
        return {
            **self._unit.state_dict(),
            "label_shares": self._label_statistics.state_dict(),
            "other_labels": self._other_labels,
        }

    def check_state_dict(self, state: dict[str, Any]) -> None:
        """See `ForwardStage.check_state_dict`."""
        self._unit.check_state_dict(state)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._unit.load_state_dict(state)
        self._label_statistics.load_state_dict(state["label_shares"])
        self._other_labels = state.get("other_labels", self._other_labels)  # earlier versions refused such labels


class AdversarialStage(ForwardStage):
    """A forward stage with an adversary; None turns the attack off."""

    adversary: EmbeddingAdversary | None

    def attach(self, model: nn.Module) -> None:
        if self.adversary is not None:
            self.adversary.attach(model)

    def state_dict(self) -> dict[str, Any]:
        return {} if self.adversary is None else {"adversary": self.adversary.state_dict()}

    def check_state_dict(self, state: dict[str, Any]) -> None:
        if self.adversary is None:
            return
        if "adversary" not in state:
            raise UsageError(
                "the saved state is of a training without an adversary: go on with the options of that training, or "
                "start over without this state."
            )
        self.adversary.check_state_dict(state["adversary"])

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if self.adversary is not None:
            self.adversary.load_state_dict(state["adversary"])
