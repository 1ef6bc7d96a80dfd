"""Embedding PGD (Madry et al., arXiv 1706.06083): steps of fixed length up the gradient, projected to the ball."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from uegr.evaluation.attacks.embedding_attack import AttackBatch, EmbeddingAttack


@dataclass(frozen=True)
class PGD(EmbeddingAttack):
    """Each step is 2.5/steps of the radius long, so that together they can cross the ball."""

    name: ClassVar[str] = "embedding-pgd"

    def held(self, arena: AttackBatch, start: Tensor) -> Tensor:
        delta = start.clone()
        held = torch.ones_like(arena.batch["labels"], dtype=torch.bool)
        for step in range(self.steps + 1):
            # An example that is fooled drops out: there is nothing more to show about it.
            left = torch.nonzero(held).squeeze(-1)
            if not len(left):
                break
            part = arena.part(left)
            if step == self.steps:
                held[left] = part.right(part.logits(delta[left]))
                break
            logits, _, gradient = part.differentiate(delta[left], "ce")
            held[left] = part.right(logits)
            length = 2.5 / self.steps * part.radius
            delta[left] = arena.ball.ascend(delta[left], gradient, length, part.radius, part.mask)
        return held
