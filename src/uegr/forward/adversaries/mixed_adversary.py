"""Two adversaries on one batch: some examples get edited text, the others perturbed embeddings [ours]."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from transformers import PreTrainedTokenizerBase

from uegr.forward.adversaries.adversary import Adversary, AttackedBatch
from uegr.forward.adversaries.embedding_adversary import EmbeddingAdversary
from uegr.forward.adversaries.text_adversary import TextAdversary
from uegr.forward.clean_pass import CleanGradient
from uegr.forward.forward_stage import Batch, Step
from uegr.modeling.dropout_sites import DropoutSites


class MixedAdversary(Adversary):
    """Divides a batch between an embedding and a text adversary; one clean pass and gradient serve both.

    Args:
        embedding: for the examples that keep their text.
        text: for the others.
        text_share: probability, per example, that its text is edited.
    """

    def __init__(self, embedding: EmbeddingAdversary, text: TextAdversary, text_share: float) -> None:
        self.embedding, self.text, self.text_share = embedding, text, text_share

    def bind(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.text.bind(tokenizer)

    def attach(self, model: nn.Module) -> None:
        self.embedding.attach(model)

    def attack(
        self, model: nn.Module, batch: Batch, step: Step, sites: DropoutSites | None = None, *, clean: CleanGradient
    ) -> AttackedBatch:
        """The batch with some texts edited, and a delta (B, T', d) that is 0 on those."""
        attacked = self.embedding.attack(model, batch, step, sites, clean=clean)
        assert attacked.delta is not None
        is_edited = torch.rand(len(batch["labels"]), generator=step.generator) < self.text_share
        if not is_edited.any():
            return attacked
        rows = torch.nonzero(is_edited).squeeze(-1).tolist()
        edited = self.text.edit(model, batch, clean.gradient, step, rows)
        delta = attacked.delta * (~is_edited).to(attacked.delta.device)[:, None, None]
        growth = edited["input_ids"].shape[1] - delta.shape[1]
        # Padding goes where the tokenizer puts it; a negative one cuts positions that no row needs any more.
        sides = (growth, 0) if self.text.pads_left else (0, growth)
        return AttackedBatch(edited, F.pad(delta, (0, 0, *sides)))

    def state_dict(self) -> dict[str, Any]:
        return self.embedding.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.embedding.load_state_dict(state)
