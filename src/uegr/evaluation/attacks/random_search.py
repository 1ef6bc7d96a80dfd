"""A black box: random search that sees logits only, after the Square attack (Andriushchenko et al. 2020).

It should be much weaker than an attack that sees gradients. Where it is not, the gradients mislead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from uegr.evaluation.attacks.embedding_attack import AttackBatch, EmbeddingAttack


@dataclass(frozen=True)
class RandomSearch(EmbeddingAttack):
    """Proposes a random change of a random share of the tokens, and keeps it where the margin falls. The share
    shrinks from all tokens to one as the steps go by, as the squares do in the paper; changes are of the length of
    the radius. Its first restart starts at the centre like every attack's [ours]."""

    steps: int = 100
    restarts: int = 1

    name: ClassVar[str] = "random-search"

    def held(self, arena: AttackBatch, start: Tensor) -> Tensor:
        delta = start.clone()
        logits = arena.logits(delta)
        held, scores = arena.right(logits), arena.losses(logits, "margin")
        for step in range(self.steps):
            left = torch.nonzero(held).squeeze(-1)
            if not len(left):
                break
            part = arena.part(left)
            tried = _proposal(part, delta[left], share=1.0 - step / self.steps)
            logits = part.logits(tried)
            losses = part.losses(logits, "margin")
            better = losses > scores[left]
            delta[left] = torch.where(better.view(-1, 1, 1), tried, delta[left])
            scores[left] = torch.where(better, losses, scores[left])
            held[left] = part.right(logits)
        return held


def _proposal(part: AttackBatch, delta: Tensor, share: float) -> Tensor:
    """Delta with noise on a random share of the tokens, at least one, back in the ball."""
    tokens = torch.rand(part.mask.shape, generator=part.generator).to(delta.device).masked_fill(part.mask == 0, 2.0)
    count = (share * part.mask.sum(dim=1, keepdim=True)).ceil().clamp_min(1)
    chosen = tokens.argsort(dim=1).argsort(dim=1) < count
    noise = torch.randn(delta.shape, generator=part.generator).to(delta.device) * chosen
    return part.ball.ascend(delta, noise, part.radius, part.radius, part.mask)
