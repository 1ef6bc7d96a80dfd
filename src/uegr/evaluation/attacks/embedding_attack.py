"""What every attack on the embeddings is: a search in a ball around each example, one restart at a time.

`uegr.evaluation.robustness.robust_mask` plays it at a list of epsilons; an attack only says how one restart looks
for a point at which the model errs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from uegr.errors import UsageError
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.modeling.embeddings import perturbed
from uegr.perturb.ball import Ball, Norm

AttackLoss = Literal["ce", "margin"]


@dataclass
class Queries:
    """Passes of single examples through the attacked model: a forward is one, a backward to the input one more."""

    count: int = 0


@dataclass(frozen=True)
class AttackBatch:
    """One batch under attack.

    Args:
        subject: the attacked model.
        batch: token ids, masks and "labels" of B examples.
        ball, radius: where a perturbation may lie; radius (B, 1, 1).
        mask: 1 on real tokens, (B, T, 1).
        generator: the source of an attack's randomness, on the CPU.
        queries: counts what the attack asks.
    """

    subject: EvaluatedModel
    batch: dict[str, Tensor]
    ball: Ball
    radius: Tensor
    mask: Tensor
    generator: torch.Generator
    queries: Queries = field(default_factory=Queries)

    def part(self, rows: Tensor) -> AttackBatch:
        """The arena of some of the examples, by index or bool mask."""
        batch = {key: value[rows] for key, value in self.batch.items()}
        return replace(self, batch=batch, radius=self.radius[rows], mask=self.mask[rows])

    @torch.no_grad()
    def logits(self, delta: Tensor) -> Tensor:
        """Logits at a perturbation (B, T, d): all that a black-box attack may see, (B, C)."""
        self.queries.count += len(delta)
        with perturbed(self.subject.model, delta):
            return self.subject.logits(self.batch)

    def differentiate(self, delta: Tensor, loss: AttackLoss) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (B, C), the loss of each example (B,) and its gradient at a perturbation, (B, T, d)."""
        self.queries.count += 2 * len(delta)
        leaf = delta.detach().requires_grad_()
        with torch.enable_grad(), perturbed(self.subject.model, leaf):
            logits = self.subject.logits(self.batch)
            losses = self.losses(logits, loss)
        return logits.detach(), losses.detach(), torch.autograd.grad(losses.sum(), leaf)[0]

    def right(self, logits: Tensor) -> Tensor:
        """Which examples are classified right, (B,), bool."""
        return logits.argmax(dim=-1) == self.batch["labels"]

    def losses(self, logits: Tensor, loss: AttackLoss) -> Tensor:
        """What the attack makes large, (B,): cross-entropy in nats, or the best wrong logit minus the right one,
        whose gradient does not vanish where the model is certain."""
        labels = self.batch["labels"]
        if loss == "ce":
            return F.cross_entropy(logits, labels, reduction="none")
        right = logits.gather(1, labels.unsqueeze(1)).squeeze(1)
        wrong = logits.masked_fill(F.one_hot(labels, logits.shape[1]).bool(), float("-inf"))
        return wrong.amax(dim=1) - right


@dataclass(frozen=True)
class EmbeddingAttack(ABC):
    """A search for a perturbation of the token embeddings that fools the model.

    Args:
        norm, relative: of the ball; see `uegr.perturb.ball.Ball`.
        steps: of one restart.
        restarts: the first starts at the centre, the others at random points.
        seed: of the random starts, and of what else is random.
    """

    norm: Norm = "l2"
    relative: bool = True
    steps: int = 5
    restarts: int = 2
    seed: int = 0

    name: ClassVar[str]

    def __post_init__(self) -> None:
        if self.steps < 1 or self.restarts < 1:
            raise UsageError("an attack needs at least one step and one restart.")

    def options(self) -> dict[str, Any]:
        """What decides the attack, for results.json."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @abstractmethod
    def held(self, arena: AttackBatch, start: Tensor) -> Tensor:
        """Which examples are right at every point that one restart from `start` (B, T, d) tries, (B,), bool."""
