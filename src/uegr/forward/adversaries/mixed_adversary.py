"""Two adversaries on one batch: some examples get edited text, the others perturbed embeddings [ours]."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from transformers import PreTrainedTokenizerBase

from uegr.errors import UsageError
from uegr.forward.adversaries.adversary import Adversary, AttackedBatch, CleanGradient
from uegr.forward.adversaries.embedding_adversary import EmbeddingAdversary
from uegr.forward.adversaries.text_adversary import TextAdversary
from uegr.forward.forward_stage import Batch, Step
from uegr.forward.input_gradient import differentiate
from uegr.modeling.dropout_sites import DropoutSites


class MixedAdversary(Adversary):
    """Shares a batch out between an embedding and a text adversary; one clean pass and gradient serve both.

    Args:
        embedding: for the examples that keep their text.
        text: for the others.
        text_share: probability, an example, that its text is edited.
    """

    def __init__(self, embedding: EmbeddingAdversary, text: TextAdversary, text_share: float) -> None:
        if not 0.0 < text_share <= 1.0:
            raise UsageError(f"text_share must lie in (0, 1], not {text_share}.")
        self.embedding, self.text, self.text_share = embedding, text, text_share

    def bind(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.text.bind(tokenizer)

    def attach(self, model: nn.Module) -> None:
        self.embedding.attach(model)
        self.text.attach(model)

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
        """The batch with some texts edited, and a delta (B, T', d) that is 0 on those."""
        attacked = self.embedding.attack(model, batch, step, sites, clean=clean, known=known)
        assert attacked.delta is not None
        edited = torch.rand(len(batch["labels"]), generator=step.generator) < self.text_share
        if not edited.any():
            return attacked
        rows = torch.nonzero(edited).squeeze(-1).tolist()
        gradient = attacked.gradient
        if gradient is None:  # the ascent began at random
            gradient = differentiate(model, batch, step, torch.zeros_like(attacked.delta), sites=sites)[1]
        changed = self.text.edited(model, batch, gradient, step, rows)
        delta = attacked.delta * (~edited).to(attacked.delta.device)[:, None, None]
        grown = changed["input_ids"].shape[1] - delta.shape[1]
        # Padding goes where the tokenizer puts it; a negative one cuts positions that no row needs any more.
        sides = (grown, 0) if self.text.pads_left else (0, grown)
        return AttackedBatch(changed, F.pad(delta, (0, 0, *sides)), attacked.clean)

    def cost(self, clean: bool) -> float:
        extra = 2.0 if self.embedding.ascent.random_start else 0.0
        return self.embedding.cost(clean) + extra

    def state_dict(self) -> dict[str, Any]:
        return self.embedding.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.embedding.load_state_dict(state)
