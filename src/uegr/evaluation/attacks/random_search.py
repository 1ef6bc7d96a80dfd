"""Black-box random search, which sees logits only, after the Square attack (Andriushchenko et al. 2020).

It should be much weaker than an attack that sees gradients. Where it is not, the gradients are misleading.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from uegr.evaluation.attacks.embedding_attack import AttackBatch, EmbeddingAttack
from uegr.evaluation.attacks.example_draws import over_tokens


@dataclass(frozen=True)
class RandomSearch(EmbeddingAttack):
    """Each step proposes a change of a random share of the tokens, and keeps it where the loss rises.

    The share shrinks from all tokens to one over the steps, as the squares do in the paper; a change is as long as the
    radius. The loss is the margin: the largest wrong logit minus the correct one. The first restart starts at the
    centre, as in every attack [ours].
    """

    steps: int = 100
    restarts: int = 1

    name: ClassVar[str] = "random-search"
    uses_gradients: ClassVar[bool] = False

    def run_restart(self, attack_batch: AttackBatch, start: Tensor) -> Tensor:
        delta = start.clone()
        logits = attack_batch.logits(delta)
        robust, scores = attack_batch.is_correct(logits), attack_batch.losses(logits, "margin")
        for step in range(self.steps):
            rows = torch.nonzero(robust).squeeze(-1)
            if not len(rows):
                break
            part = attack_batch.part(rows)
            proposal = _proposal(part, delta[rows], share=1.0 - step / self.steps)
            logits = part.logits(proposal)
            losses = part.losses(logits, "margin")
            better = losses > scores[rows]
            delta[rows] = torch.where(better.view(-1, 1, 1), proposal, delta[rows])
            scores[rows] = torch.where(better, losses, scores[rows])
            robust[rows] = part.is_correct(logits)
        return robust


def _proposal(part: AttackBatch, delta: Tensor, share: float) -> Tensor:
    """Delta with noise on a random share of the tokens, at least one, back in the ball."""
    width = delta.shape[-1]
    places = over_tokens(lambda n, generator: torch.rand((n, 1), generator=generator), part.mask, 1, part.generators)
    noise = over_tokens(
        lambda n, generator: torch.randn((n, width), generator=generator), part.mask, width, part.generators
    )
    count = (share * part.mask.sum(dim=1, keepdim=True)).ceil().clamp_min(1)
    chosen = places.masked_fill(part.mask == 0, 2.0).argsort(dim=1).argsort(dim=1) < count
    return part.ball.ascend(delta, noise * chosen, part.radius, part.radius, part.mask)
