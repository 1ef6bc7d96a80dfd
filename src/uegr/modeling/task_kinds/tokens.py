"""One class per token, as in named-entity recognition."""

from torch import Tensor

from uegr.modeling.task_kinds.classification import Classification


class Tokens(Classification):
    """Labels are those of all tokens of the batch, shape (B * T,); -100 marks a token that is no target."""

    @staticmethod
    def target_labels(labels: Tensor) -> Tensor:
        return labels.reshape(-1)

    def scores(self, logits: Tensor) -> Tensor:
        """As for other kinds; logits of a prompt before the tokens (prompt tuning) are left out."""
        length = self.labels.shape[0] // self.rows
        return super().scores(logits[:, -length:])

    def attack_loss(self, logits: Tensor) -> Tensor:
        return self.mean_per_example(self.default_loss(logits))
