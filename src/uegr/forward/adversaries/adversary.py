"""What every adversary is to a forward stage: a part that can be exchanged."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from uegr.forward.forward_stage import Batch, Step
from uegr.modeling.dropout_sites import DropoutSites


@dataclass(frozen=True)
class AttackedBatch:
    """What an adversary made of a batch.

    Args:
        batch: the sample to train on; the given one unless its text was changed.
        delta: to be added to its token embeddings, (B, T, d); None where only the text was changed.
        clean: the logits of the unchanged sample, with their graph, where they were asked for.
        gradient: of the summed loss at the unchanged embeddings, (B, T, d), where the attack computed it.
    """

    batch: Batch
    delta: Tensor | None
    clean: Tensor | None
    gradient: Tensor | None = None


@dataclass(frozen=True)
class CleanGradient:
    """What a pass over the unchanged batch has told its caller already.

    Args:
        logits: its output.
        gradient: of the loss at the token embeddings, (B, T, d), up to a positive factor an example.
    """

    logits: Tensor
    gradient: Tensor


class Adversary(ABC):
    """Turns a batch into one that is harder. Only `attack` and `cost` must be there."""

    def bind(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Take the tokenizer that made the batches, if it is of use."""

    def attach(self, model: nn.Module) -> None:
        """Look at the model once, before training moves it."""

    @abstractmethod
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
        """Attack a batch.

        Args:
            model, batch, step, sites: of the passes.
            clean: give back the logits of the unchanged batch too.
            known: of a pass over the unchanged batch that the caller has made; the attack then makes none.
        """

    @abstractmethod
    def cost(self, clean: bool) -> float:
        """Forward-pass units of an attack and, where it counts in the loss, of the clean pass with its backward."""

    def state_dict(self) -> dict[str, Any]:
        """What must be remembered between steps."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` gave."""
