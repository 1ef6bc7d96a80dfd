"""What every adversary is to a forward stage: it turns a batch into a harder one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from uegr.forward.clean_pass import CleanGradient
from uegr.forward.forward_stage import Batch, ForwardStage, Step
from uegr.modeling.dropout_sites import DropoutSites


@dataclass(frozen=True)
class AttackedBatch:
    """What an adversary made of a batch.

    Args:
        batch: the sample to train on; the given one unless its text was changed.
        delta: to be added to its token embeddings, (B, T, d); None where only the text was changed.
    """

    batch: Batch
    delta: Tensor | None


class Adversary(ABC):
    """Turns a batch into one that is harder. Only `attack` is required."""

    def bind(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Take the tokenizer that made the batches, if it is needed."""

    def attach(self, model: nn.Module) -> None:
        """Look at the model once, before training moves it."""

    @abstractmethod
    def attack(
        self, model: nn.Module, batch: Batch, step: Step, sites: DropoutSites | None = None, *, clean: CleanGradient
    ) -> AttackedBatch:
        """Attack a batch.

        Args:
            model, batch, step, sites: of the passes.
            clean: a pass over the unperturbed batch.
        """

    def state_dict(self) -> dict[str, Any]:
        """What must be remembered between steps."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""


class AdversarialStage(ForwardStage):
    """A forward stage with an adversary, or None."""

    adversary: Adversary | None

    def bind(self, tokenizer: PreTrainedTokenizerBase) -> None:
        if self.adversary is not None:
            self.adversary.bind(tokenizer)

    def attach(self, model: nn.Module) -> None:
        if self.adversary is not None:
            self.adversary.attach(model)

    def state_dict(self) -> dict[str, Any]:
        return {} if self.adversary is None else {"adversary": self.adversary.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if self.adversary is not None:
            self.adversary.load_state_dict(state["adversary"])
