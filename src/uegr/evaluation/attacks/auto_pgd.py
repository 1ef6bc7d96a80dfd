"""AutoPGD (Croce & Hein 2020, arXiv 2003.01690): ascent with momentum; the step is halved where progress stops.

    z <- Proj(x + eta g/|g|),   x' <- Proj(x + 0.75 (z - x) + 0.25 (x - x_before))

Eta starts at twice the radius. At each checkpoint the eta of an example is halved, and its search continues from the
best point so far, if fewer than three quarters of the steps since the last checkpoint raised the loss, or if neither
eta nor the best loss has changed since then. The distance between checkpoints shrinks. There is no step size to choose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from uegr.evaluation.attacks.embedding_attack import AttackBatch, AttackLoss, EmbeddingAttack

MOMENTUM, INCREASING = 0.75, 0.75
"""Weight of the new step, and the share of steps that must raise the loss [both the paper's]."""


@dataclass(frozen=True)
class AutoPGD(EmbeddingAttack):
    """Ascent with momentum and an adaptive step.

    Args, in addition to those of every attack:
        loss: "ce" is the paper's APGD-CE; "margin" [ours, after Carlini & Wagner 2017] is the part of its DLR loss
            that is also defined for two classes.
    """

    steps: int = 20
    loss: AttackLoss = "ce"

    name: ClassVar[str] = "auto-pgd"

    def run_restart(self, attack_batch: AttackBatch, start: Tensor) -> Tensor:
        logits, losses, gradient = attack_batch.differentiate(start, self.loss)
        robust = attack_batch.is_correct(logits)
        ascent = _Ascent.begin(_Point(start, losses, gradient), eta=2.0 * attack_batch.radius)
        last_checkpoint, all_checkpoints = 0, checkpoints(self.steps)
        for step in range(1, self.steps + 1):
            ascent = ascent[robust[ascent.examples]]  # examples that were fooled are dropped
            if not len(ascent.examples):
                break
            part = attack_batch.part(ascent.examples)
            x = ascent.next_x(part, weight=1.0 if step == 1 else MOMENTUM)
            logits, losses, gradient = part.differentiate(x, self.loss)
            robust[ascent.examples] = part.is_correct(logits)
            ascent.move_to(_Point(x, losses, gradient))
            if step in all_checkpoints:
                ascent.halve_eta(step - last_checkpoint)
                last_checkpoint = step
        return robust


def checkpoints(steps: int) -> set[int]:
    """The steps after which eta may be halved: at 22 % of all, then at distances that fall by 3 % to at least 6 %."""
    percents = [0, 22]
    while percents[-1] < 100:
        percents.append(percents[-1] + max(percents[-1] - percents[-2] - 3, 6))
    return {-(-percent * steps // 100) for percent in percents[1:] if percent <= 100}


@dataclass(frozen=True)
class _Point:
    """A perturbation of each of n examples.

    Args:
        x: the perturbations, (n, T, d).
        loss: the loss of each example there, (n,).
        gradient: of the loss, (n, T, d).
    """

    x: Tensor
    loss: Tensor
    gradient: Tensor

    def __getitem__(self, rows: Tensor) -> _Point:
        return _Point(self.x[rows], self.loss[rows], self.gradient[rows])

    def replaced(self, where: Tensor, other: _Point) -> _Point:
        """The other point for the examples marked in `where`, (n,), bool; this point for the rest."""
        wide = where.view(-1, 1, 1)
        return _Point(
            torch.where(wide, other.x, self.x),
            torch.where(where, other.loss, self.loss),
            torch.where(wide, other.gradient, self.gradient),
        )


@dataclass
class _Ascent:
    """The state of the search for n examples.

    Args:
        examples: their indices in the batch, (n,).
        point, previous_x: the point of the last step, and the perturbations before it, (n, T, d).
        best: the point of the largest loss so far.
        eta: length of the next step, (n, 1, 1).
        rises: number of steps since the last checkpoint that raised the loss, (n,).
        checkpoint_eta, checkpoint_loss: eta and the largest loss at the last checkpoint.
    """

    examples: Tensor
    point: _Point
    previous_x: Tensor
    best: _Point
    eta: Tensor
    rises: Tensor
    checkpoint_eta: Tensor
    checkpoint_loss: Tensor

    @classmethod
    def begin(cls, start: _Point, eta: Tensor) -> _Ascent:
        """The state before the first step."""
        examples = torch.arange(len(start.loss), device=start.loss.device)
        return cls(examples, start, start.x, start, eta, torch.zeros_like(start.loss), eta, start.loss)

    def __getitem__(self, rows: Tensor) -> _Ascent:
        return _Ascent(**{name: value[rows] for name, value in vars(self).items()})

    def next_x(self, part: AttackBatch, weight: float) -> Tensor:
        """x', the perturbations after a step whose new part has this weight, (n, T, d)."""
        x = self.point.x
        z = part.ball.ascend(x, self.point.gradient, self.eta, part.radius, part.mask)
        moved = x + weight * (z - x) + (1.0 - weight) * (x - self.previous_x)
        return part.ball.project(moved, part.radius) * part.mask

    def move_to(self, point: _Point) -> None:
        """Make a step to a point."""
        self.rises = self.rises + (point.loss > self.point.loss)
        self.previous_x, self.point = self.point.x, point
        self.best = self.best.replaced(point.loss > self.best.loss, point)

    def halve_eta(self, steps: int) -> None:
        """Halve eta and go back to the best point where the last `steps` steps made too little progress."""
        too_few_rises = self.rises < INCREASING * steps
        unchanged = (self.eta == self.checkpoint_eta).flatten() & (self.best.loss == self.checkpoint_loss)
        halve = too_few_rises | unchanged
        wide = halve.view(-1, 1, 1)
        self.checkpoint_eta, self.checkpoint_loss = self.eta, self.best.loss
        self.eta = torch.where(wide, self.eta / 2.0, self.eta)
        self.point = self.point.replaced(halve, self.best)
        self.previous_x = torch.where(wide, self.point.x, self.previous_x)
        self.rises = torch.zeros_like(self.rises)
