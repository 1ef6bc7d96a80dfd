"""One class per example: cross-entropy, Jensen-Shannon divergence, accuracy."""

from collections.abc import Sequence
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

    @property
    def is_target(self) -> Tensor:
        return self.labels != IGNORED_LABEL

    def default_loss(self, logits: Tensor) -> Tensor:
        return F.cross_entropy(
            self.scores(logits),
            self.labels,
            weight=self.class_weights,
            reduction="none",
            ignore_index=IGNORED_LABEL,
            label_smoothing=self.label_smoothing,
        )

    def divergence_per_pass(self, logits: Sequence[Tensor]) -> Tensor:
        scores = torch.stack([self.scores(logits_of_pass) for logits_of_pass in logits])
        return jensen_shannon_per_pass(scores.log_softmax(dim=-1))

    def symmetric_kl(self, first: Tensor, second: Tensor) -> Tensor:
        return symmetric_kl(self.scores(first).log_softmax(dim=-1), self.scores(second).log_softmax(dim=-1))

    def label_counts(self, classes: int) -> Tensor:
        is_target = self.is_target.float()
        counts = is_target.new_zeros(classes).index_add(0, self.labels.clamp_min(0), is_target)
        return torch.cat([is_target.sum()[None], counts])

    def confidence(self, logits: Tensor, label_shares: Tensor | None = None) -> Tensor:
        scores = self.scores(logits)
        losses = F.cross_entropy(scores, self.labels, reduction="none", ignore_index=IGNORED_LABEL)
        chance = torch.full_like(losses, 1.0 / scores.shape[-1])
        if label_shares is not None:
            chance = torch.maximum(chance, label_shares[self.labels.clamp_min(0)])
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
