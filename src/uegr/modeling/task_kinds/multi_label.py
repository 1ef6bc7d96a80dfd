"""Several labels per example: binary cross-entropy, binary Jensen-Shannon divergence, F1."""

from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from uegr.modeling.divergence import binary_jensen_shannon_per_pass, binary_log_probabilities, symmetric_kl
from uegr.modeling.metrics import MULTI_LABEL
from uegr.modeling.task_kinds.task_kind import Outputs, TaskKind, confidence_above_chance

Array = TypeVar("Array", Tensor, NDArray[Any])


def is_present(logits: Array) -> Array:
    """Whether a text has each label: where its probability is above one half."""
    return logits > 0


class MultiLabel(TaskKind):
    """Labels are 0 or 1 for each of C labels, shape (N, C); all terms are means over the labels.

    A class weight multiplies the loss of its label where the label is present.
    """

    loss_options: ClassVar[tuple[str, ...]] = ("class_weights",)
    metric_names: ClassVar[tuple[str, ...]] = tuple(MULTI_LABEL)
    curve_metric: ClassVar[str] = "micro_f1"

    def default_loss(self, logits: Tensor) -> Tensor:
        labels = self.labels.float()
        return F.binary_cross_entropy_with_logits(
            self.flat_logits(logits), labels, pos_weight=self.class_weights, reduction="none"
        ).mean(dim=-1)

    def divergence_per_pass(self, logits: Sequence[Tensor]) -> Tensor:
        return binary_jensen_shannon_per_pass(torch.stack([*map(self.flat_logits, logits)]))

    def symmetric_kl(self, first: Tensor, second: Tensor) -> Tensor:
        p, q = (binary_log_probabilities(self.flat_logits(logits)) for logits in (first, second))
        return symmetric_kl(p, q).mean(dim=-1)

    def label_counts(self, classes: int) -> Tensor:
        return torch.cat([self.is_target.float().sum()[None], self.labels.float().sum(dim=0)])

    def confidence(self, logits: Tensor, label_statistics: Tensor | None = None) -> Tensor:
        present = self.labels.float()
        losses = F.binary_cross_entropy_with_logits(self.flat_logits(logits), present, reduction="none").mean(dim=-1)
        chance = torch.full_like(losses, 0.5)
        if label_statistics is not None:  # geometric mean over the labels, as the loss is a mean of logarithms
            share_of_label = (present * label_statistics + (1.0 - present) * (1.0 - label_statistics)).clamp_min(0.5)
            chance = share_of_label.log().mean(dim=-1).exp()
        return confidence_above_chance(losses, chance)

    def attack_loss(self, logits: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(logits, self.labels.float(), reduction="none").mean(dim=-1)

    def outputs(self, logits: Tensor) -> Tensor:
        """The decisions (B, C): 1 where a label is present."""
        return is_present(logits).float()

    @staticmethod
    def target_labels(labels: Tensor) -> Tensor:
        return labels

    @classmethod
    def metrics(cls, outputs: Outputs, labels: NDArray[Any]) -> dict[str, float]:
        return {name: metric(outputs, labels) for name, metric in MULTI_LABEL.items()}
