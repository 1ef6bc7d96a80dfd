"""Embedding PGD (Madry et al., arXiv 1706.06083): steps of fixed length up the gradient, projected to the ball."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from uegr.evaluation.attacks.embedding_attack import AttackBatch, EmbeddingAttack
from uegr.perturb.projected_ascent import ProjectedAscent


@dataclass(frozen=True)
class PGD(EmbeddingAttack):
    """The projected gradient ascent of training, see `ProjectedAscent`; every point on the way counts."""

    name: ClassVar[str] = "pgd"

    def run_restart(self, attack_batch: AttackBatch, start: Tensor) -> Tensor:
        robust = torch.ones_like(attack_batch.batch["labels"], dtype=torch.bool)

        def gradient_at(delta: Tensor) -> Tensor:
            """The gradient of the examples that are still robust, 0 for the others."""
            gradient, rows = torch.zeros_like(delta), torch.nonzero(robust).squeeze(-1)
            if len(rows):
                part = attack_batch.part(rows)
                logits, _, gradient[rows] = part.differentiate(delta[rows], "ce")
                robust[rows] = part.is_correct(logits)
            return gradient

        ascent = ProjectedAscent(attack_batch.ball, self.steps)
        delta = ascent.perturb(gradient_at, attack_batch.radius, attack_batch.mask, start)
        rows = torch.nonzero(robust).squeeze(-1)
        if len(rows):
            part = attack_batch.part(rows)
            robust[rows] = part.is_correct(part.logits(delta[rows]))
        return robust
