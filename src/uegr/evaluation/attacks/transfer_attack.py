"""Transfer: perturbations made on another model, tried on this one.

They know nothing of this model's gradients. Where they fool it more than its own gradients do, those mislead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from uegr.errors import UsageError
from uegr.evaluation.attacks.embedding_attack import AttackBatch, EmbeddingAttack, Queries
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.modeling.embeddings import input_embeddings


@dataclass(frozen=True)
class Transfer(EmbeddingAttack):
    """PGD on the source; the attacked model only sees the point where each restart has ended. Its queries count,
    the source's do not.

    Args, beside those of every attack:
        source: a model with the same tokens and the same width of embedding, fine-tuned otherwise.
    """

    steps: int = 10
    source: EvaluatedModel | None = None

    name: ClassVar[str] = "transfer"

    def options(self) -> dict[str, Any]:
        name = Path(str(self.source.model.name_or_path)).name if self.source else None
        return {**super().options(), "source": name}

    def held(self, arena: AttackBatch, start: Tensor) -> Tensor:
        source = self._source(arena.subject)
        there = replace(arena, subject=source, queries=Queries())
        delta = start
        for _ in range(self.steps):
            _, _, gradient = there.differentiate(delta, "ce")
            delta = arena.ball.ascend(delta, gradient, 2.5 / self.steps * arena.radius, arena.radius, arena.mask)
        return arena.right(arena.logits(delta))

    def _source(self, subject: EvaluatedModel) -> EvaluatedModel:
        if self.source is None:
            raise UsageError("a transfer attack needs another run to make its perturbations on: name it with --source.")
        shapes = [torch.as_tensor(input_embeddings(one.model).weight).shape for one in (self.source, subject)]
        if shapes[0] != shapes[1] or self.source.tokenizer.get_vocab() != subject.tokenizer.get_vocab():
            raise UsageError("a perturbation carries over only between models of the same tokenizer and width.")
        return self.source
