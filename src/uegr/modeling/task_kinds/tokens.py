"""One class per token, as in named-entity recognition."""

from typing import Any, ClassVar

import torch
from numpy.typing import NDArray
from torch import Tensor

from uegr.modeling.task_kinds.classification import Classification
from uegr.modeling.task_kinds.task_kind import Outputs


class Tokens(Classification):
    """Labels are those of all tokens of the batch, shape (B * T,); -100 marks a token that is not a target."""

    metric_names: ClassVar[tuple[str, ...]] = ("entity_f1", "token_accuracy", "nll")
    curve_metric: ClassVar[str] = "token_accuracy"

    @staticmethod
    def target_labels(labels: Tensor) -> Tensor:
        return labels.reshape(-1)

    def flat_logits(self, logits: Tensor) -> Tensor:
        """See `TaskKind.flat_logits`; logits of a prompt before the tokens (prompt tuning) are left out."""
        length = self.labels.shape[0] // self.batch_size
        return super().flat_logits(logits[:, -length:])

    def attack_loss(self, logits: Tensor) -> Tensor:
        return self.mean_per_example(self.default_loss(logits))

    def outputs(self, logits: Tensor) -> Tensor:
        """The label of each token (-100: no target), the predicted class, and the NLL in nats, (B, T, 3)."""
        values = (self.labels, self.flat_logits(logits).argmax(dim=-1), self.default_loss(logits))
        return torch.stack([value.reshape(self.batch_size, -1).float() for value in values], dim=-1)

    @classmethod
    def metrics(cls, outputs: Outputs, labels: NDArray[Any]) -> dict[str, float]:
        """Share of correct tokens, and NLL per token. F1 of entities needs the names of the classes: `entity_f1`."""
        label, predicted, nll = outputs[outputs[..., 0] >= 0].T
        return {"token_accuracy": float((label == predicted).mean()), "nll": float(nll.mean())}
