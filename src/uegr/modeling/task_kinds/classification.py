"""One class per example: cross-entropy, Jensen-Shannon divergence, accuracy."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from uegr.data.kind import IGNORED_LABEL
from uegr.modeling.calibration_error import expected_calibration_error
from uegr.modeling.divergence import jensen_shannon_per_pass, symmetric_kl
from uegr.modeling.metrics import CLASSIFICATION, RANKING, accuracy, negative_log_likelihood
from uegr.modeling.task_kinds.task_kind import Outputs, TaskKind, confidence_above_chance


class Classification(TaskKind):
    """Labels are whole numbers in [0, C), shape (N,); -100 marks a position that is not a target."""

    loss_options: ClassVar[tuple[str, ...]] = ("class_weights", "label_smoothing")
    metric_names: ClassVar[tuple[str, ...]] = (*CLASSIFICATION, *RANKING)
    curve_metric: ClassVar[str] = "accuracy"

    @staticmethod
    def target_labels(labels: Tensor) -> Tensor:
        return labels

    @cached_property
    def is_target(self) -> Tensor:
        return self.labels != IGNORED_LABEL

    def default_loss(self, logits: Tensor) -> Tensor:
        return F.cross_entropy(
            self.flat_logits(logits),
            self.labels,
            weight=self.class_weights,
            reduction="none",
            ignore_index=IGNORED_LABEL,
            label_smoothing=self.label_smoothing,
        )

    def divergence_per_pass(self, logits: Sequence[Tensor]) -> Tensor:
        return jensen_shannon_per_pass(torch.stack([*map(self.flat_logits, logits)]).log_softmax(dim=-1))

    def symmetric_kl(self, first: Tensor, second: Tensor) -> Tensor:
        return symmetric_kl(self.flat_logits(first).log_softmax(dim=-1), self.flat_logits(second).log_softmax(dim=-1))

    def label_counts(self, classes: int) -> Tensor:
        """See `TaskKind.label_counts`; a label outside the C classes counts as a target only."""
        is_class = (self.labels >= 0) & (self.labels < classes)
        classes_of_targets = self.labels.clamp(0, classes - 1)
        counts = torch.zeros(classes, device=is_class.device).index_add(0, classes_of_targets, is_class.float())
        return torch.cat([self.is_target.float().sum()[None], counts])

    def counts_other_labels(self, counts: Tensor) -> Tensor:
        return counts[1:].sum() < counts[0]

    def confidence(self, logits: Tensor, label_statistics: Tensor | None = None) -> Tensor:
        """See `TaskKind.confidence`; the value is meaningless for a label outside the C classes."""
        flat_logits = self.flat_logits(logits)
        labels = self.labels.clamp(0, flat_logits.shape[-1] - 1)
        targets = labels.where(self.is_target, IGNORED_LABEL)
        losses = F.cross_entropy(flat_logits, targets, reduction="none", ignore_index=IGNORED_LABEL)
        chance = torch.full_like(losses, 1.0 / flat_logits.shape[-1])
        if label_statistics is not None:
            chance = torch.maximum(chance, label_statistics[labels])
        return confidence_above_chance(losses, chance)

    def attack_loss(self, logits: Tensor) -> Tensor:
        return F.cross_entropy(logits, self.labels, reduction="none")

    def outputs(self, logits: Tensor) -> Tensor:
        """Class probabilities (B, C), on the CPU: an Apple GPU has no float64."""
        return logits.cpu().double().softmax(dim=-1)

    @classmethod
    def metrics(cls, outputs: Outputs, labels: NDArray[Any]) -> dict[str, float]:
        return {
            "accuracy": accuracy(outputs, labels),
            "nll": negative_log_likelihood(outputs, labels),
            "ece": expected_calibration_error(outputs, labels),
        }
