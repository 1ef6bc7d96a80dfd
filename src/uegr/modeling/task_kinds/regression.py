"""A number per example: squared error, variance, correlation."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from numpy.typing import NDArray
from torch import Tensor

from uegr.modeling.divergence import variance_per_pass
from uegr.modeling.metrics import REGRESSION
from uegr.modeling.task_kinds.task_kind import Outputs, TaskKind, confidence_above_chance


class Regression(TaskKind):
    """Labels are numbers, shape (N, 1). Squared error instead of cross-entropy, variance instead of JS [ours]."""

    metric_names: ClassVar[tuple[str, ...]] = tuple(REGRESSION)
    curve_metric: ClassVar[str] = "pearson"

    def default_loss(self, logits: Tensor) -> Tensor:
        return (self.flat_logits(logits) - self.labels.float()).square().mean(dim=-1)

    def divergence_per_pass(self, logits: Sequence[Tensor]) -> Tensor:
        return variance_per_pass(torch.stack([*map(self.flat_logits, logits)]))

    def symmetric_kl(self, first: Tensor, second: Tensor) -> Tensor:
        """Squared difference."""
        return (self.flat_logits(first) - self.flat_logits(second)).square().mean(dim=-1)

    def label_counts(self, classes: int) -> Tensor:
        """The number of targets, the sum of each output's labels, then the sum of their squares, shape (1 + 2C,)."""
        labels = self.labels.float()
        return torch.cat([self.is_target.float().sum()[None], labels.sum(dim=0), labels.square().sum(dim=0)])

    def confidence(self, logits: Tensor, label_statistics: Tensor | None = None) -> Tensor:
        """exp(-(output - label)^2 / 2 var), relative to a prediction of the mean of the labels so far.

        With several outputs the exponent is the mean over them, each in units of its own variance.

        Args:
            logits: of the N positions.
            label_statistics: of each output the mean of the labels, then the mean of their squares, shape (2C,); None
                gives confidence 0.
        """
        if label_statistics is None:
            return torch.zeros_like(self.flat_logits(logits)[:, 0])
        labels, (mean, mean_square) = self.labels.float(), label_statistics.chunk(2)
        scale = 2.0 * (mean_square - mean.square()).clamp_min(torch.finfo(mean.dtype).eps)
        chance = torch.exp(-((labels - mean).square() / scale).mean(dim=-1))
        losses = ((self.flat_logits(logits) - labels).square() / scale).mean(dim=-1)
        return confidence_above_chance(losses, chance)

    def attack_loss(self, logits: Tensor) -> Tensor:
        return self.default_loss(logits)

    def outputs(self, logits: Tensor) -> Tensor:
        """The predicted numbers (B,)."""
        return logits.squeeze(-1)

    @staticmethod
    def target_labels(labels: Tensor) -> Tensor:
        return labels.reshape(-1, 1)

    @classmethod
    def metrics(cls, outputs: Outputs, labels: NDArray[Any]) -> dict[str, float]:
        """Pearson and Spearman correlation, and squared error.

        Under attack the correlation may rise again where all predictions are driven the same way.
        """
        return {name: metric(outputs, labels) for name, metric in REGRESSION.items()}
