"""The base of all kinds of task: loss and divergence per target for training, outputs and metrics for evaluation.

A *target* is an example, or a token where tokens are labelled. Every term is computed in float32, in nats where it is
an entropy, as one value per target, so that sums and means never depend on batch size or padding.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from uegr.data.kind import IGNORED_LABEL
from uegr.errors import UsageError, shown

LossFunction = Callable[[Tensor, Tensor], Tensor]
"""From logits and labels, in the shapes of a batch, to one value per target or a scalar mean."""
Outputs = NDArray[np.float64]
"""What a model predicts for N examples, first dimension N."""


@dataclass(frozen=True)
class TaskKind(ABC):
    """A kind of task, holding the labels of one batch.

    Args:
        labels: of the N targets, shape (N,) or (N, C).
        class_weights: shape (C,), or None. The cross-entropy of a target is multiplied by the weight of its class.
            Divergences are not weighted.
        batch_size: B, the number of examples that the N targets belong to, in equal shares.
        loss_fn: the user's own loss of logits and labels, in the batch's shapes, instead of `default_loss`: one value
            per target, or their mean.
        batch_labels: the labels as the batch holds them, for `loss_fn`.
        label_smoothing: of the cross-entropy, in [0, 1].
        has_labels: False where the loss is the user's own and `labels` only say how many targets there are.
    """

    labels: Tensor
    class_weights: Tensor | None = None
    batch_size: int = 0
    loss_fn: LossFunction | None = None
    batch_labels: Tensor | None = None
    label_smoothing: float = 0.0
    has_labels: bool = True

    loss_options: ClassVar[tuple[str, ...]] = ()
    """The fields above that `default_loss` uses, of those that a user may set."""
    metric_names: ClassVar[tuple[str, ...]]
    """The metrics that can be reported for tasks of this kind."""
    curve_metric: ClassVar[str]
    """The metric that a robustness curve shows, see `curve_value`."""

    @classmethod
    def from_batch(cls, labels: Tensor) -> Self:
        """The task of a batch, from its labels as the batch holds them, first dimension B."""
        return cls(cls.target_labels(labels), batch_size=len(labels))

    @staticmethod
    @abstractmethod
    def target_labels(labels: Tensor) -> Tensor:
        """One row per target from the labels of a batch, shape (N,) or (N, C)."""

    # Training: one value per target.

    @cached_property
    def is_target(self) -> Tensor:
        """Which of the N positions are targets, shape (N,), bool."""
        return torch.ones(self.labels.shape[0], dtype=torch.bool, device=self.labels.device)

    def mean(self, values: Tensor, num_items: Tensor | int | None = None) -> Tensor:
        """Mean of one value per position over the targets, or their sum divided by `num_items`.

        A scalar, such as a user's loss may return, is taken as the mean over this batch's targets. Without labels
        targets cannot be counted, and `num_items` is not used. Without any target the mean is 0.
        """
        num_items = num_items if self.has_labels else None
        if values.dim() == 0:
            return values if num_items is None else values * (self.is_target.sum() / num_items)
        count = self.is_target.sum().clamp_min(1) if num_items is None else num_items
        return (values * self.is_target).sum() / count

    def mean_per_example(self, values: Tensor) -> Tensor:
        """Mean of one value per position over the targets of each example, shape (B,)."""
        is_target = self.is_target.reshape(self.batch_size, -1)
        values = values.reshape(self.batch_size, -1) * is_target
        return values.sum(dim=1) / is_target.sum(dim=1).clamp_min(1)

    def flat_logits(self, logits: Tensor) -> Tensor:
        """The logits in float32, one row per position, shape (N, C)."""
        return logits.reshape(-1, logits.shape[-1]).float()

    def loss(self, logits: Tensor) -> Tensor:
        """Loss of each position, shape (N,); 0 where there is no target. The user's own loss may be a scalar."""
        if self.loss_fn is None:
            return self.default_loss(logits)
        assert self.batch_labels is not None
        values: Any = self.loss_fn(logits, self.batch_labels)
        if not isinstance(values, Tensor) or values.numel() not in (1, len(self.labels)):
            given = f"a tensor of shape {tuple(values.shape)}" if isinstance(values, Tensor) else shown(values)
            raise UsageError(
                f"loss_fn must return one value for each of the batch's {len(self.labels)} targets, or their mean, not "
                f"{given}."
            )
        return values if values.dim() == 0 else values.reshape(-1)

    @abstractmethod
    def default_loss(self, logits: Tensor) -> Tensor:
        """The loss of this kind of task, shape (N,); 0 where there is no target."""

    @abstractmethod
    def divergence_per_pass(self, logits: Sequence[Tensor]) -> Tensor:
        """The divergence of each of k predictions from their mean, shape (k, N); 0 where they agree."""

    @abstractmethod
    def symmetric_kl(self, first: Tensor, second: Tensor) -> Tensor:
        """KL(P | Q) + KL(Q | P) of two predictions of the same targets, shape (N,), in nats, or its counterpart."""

    @abstractmethod
    def label_counts(self, classes: int) -> Tensor:
        """The number of targets, then for each of C labels how many targets have it, shape (1 + C,), float32."""

    def counts_other_labels(self, counts: Tensor) -> Tensor:
        """Whether some of the targets have labels that are not classes of the model, a scalar, bool.

        Only a loss of the user's own can give such labels a meaning.

        Args:
            counts: of `label_counts`.
        """
        return torch.zeros((), dtype=torch.bool, device=counts.device)

    @abstractmethod
    def confidence(self, logits: Tensor, label_statistics: Tensor | None = None) -> Tensor:
        """The model's confidence in the label of each position, shape (N,), in [0, 1] [ours].

        0 at chance or below, 1 for certain.

        Args:
            logits: of the N positions.
            label_statistics: the label counts divided by the number of targets, shape (C,). Chance is at least the
                share of the label, because a model that predicts the most frequent label for every input has learned
                nothing.
        """

    # Evaluation: one value or output per example.

    @abstractmethod
    def attack_loss(self, logits: Tensor) -> Tensor:
        """The loss that an attack maximises, one value per example, shape (B,)."""

    @abstractmethod
    def outputs(self, logits: Tensor) -> Tensor:
        """What the metrics are computed from, one row per example, shape (B, ...)."""

    @classmethod
    @abstractmethod
    def metrics(cls, outputs: Outputs, labels: NDArray[Any]) -> dict[str, float]:
        """The metrics that every task of this kind gets, as fractions unless the metric says otherwise."""

    @classmethod
    def curve_value(cls, outputs: Outputs, labels: NDArray[Any]) -> float:
        """One value of the robustness curve, from the worst output that an attack found for each example."""
        return cls.metrics(outputs, labels)[cls.curve_metric]


def concatenate_outputs(parts: Sequence[Outputs]) -> Outputs:
    """The outputs of several batches, concatenated; those of tokens are padded with -100 to the longest batch."""
    if parts[0].ndim < 3:
        return np.concatenate(parts)
    longest = max(part.shape[1] for part in parts)
    widths = [((0, 0), (0, longest - part.shape[1]), (0, 0)) for part in parts]
    padded = [np.pad(part, width, constant_values=IGNORED_LABEL) for part, width in zip(parts, widths, strict=True)]
    return np.concatenate(padded)


def confidence_above_chance(losses: Tensor, chance: Tensor) -> Tensor:
    """exp(-loss), rescaled so that `chance` becomes 0 and 1 stays 1, clamped to [0, 1]; shape of `losses`."""
    rest = (1.0 - chance).clamp_min(torch.finfo(chance.dtype).tiny)
    return ((torch.exp(-losses) - chance) / rest).clamp(0.0, 1.0)
