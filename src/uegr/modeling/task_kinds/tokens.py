"""One class per token, as in named-entity recognition."""

from __future__ import annotations

from torch import Tensor

from uegr.modeling.task_kinds.classification import Classification


class Tokens(Classification):
    """Labels are those of all tokens of the batch, shape (B * T,); -100 marks a token that is no target."""

    @staticmethod
    def target_labels(labels: Tensor) -> Tensor:
        return labels.reshape(-1)

    def attack_loss(self, logits: Tensor) -> Tensor:
        return self.mean_per_example(self.loss(logits))
