"""A user's own loss that runs the model itself, as for a reward model, contrastive training or another trainer.

The adversary and the passes of a method need only the value of such a loss. The divergence between passes needs logits,
and is 0 if the function returns none.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.modeling.task_kinds.classification import Classification
from uegr.modeling.task_kinds.detection import task_kind_of
from uegr.modeling.task_kinds.label_checks import class_outside
from uegr.modeling.task_kinds.regression import Regression
from uegr.modeling.task_kinds.task_kind import TaskKind
from uegr.modeling.task_kinds.tokens import Tokens


class NoLogits(Regression):
    """A loss without logits: the divergence of its passes is 0, and a method that compares two passes is refused."""

    def symmetric_kl(self, first: Tensor, second: Tensor) -> Tensor:
        raise UsageError(
            "this loss gives no logits, and the method compares those of two passes: return them from compute_loss, or "
            "choose uegr (without its divergence), freelb, pgd or fgm."
        )


ComputeLoss = Callable[[nn.Module, Any], tuple[Tensor, Tensor | None]]
"""From a model and a batch to a scalar loss, a mean over the batch, and the logits (B, C) or (B, T, C), or None."""


class LogitsWithLoss(Tensor):
    """The logits of a pass, with the loss of the same pass; every result computed from them is a plain tensor.

    Attributes:
        loss: scalar.
        given: whether the function returned logits; if not, they are a constant.
    """

    loss: Tensor
    given: bool
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]


def with_loss(logits: Tensor | None, loss: Tensor) -> LogitsWithLoss:
    """The logits of a pass, or a constant if there are none, with the loss of the pass."""
    carrier = torch.zeros((1, 1), device=loss.device) if logits is None else logits
    result = carrier.as_subclass(LogitsWithLoss)
    result.loss, result.given = loss, logits is not None
    return result


def detached(logits: Tensor) -> Tensor:
    """The logits without a graph; those of `with_loss` keep their loss, without a graph as well."""
    if not isinstance(logits, LogitsWithLoss):
        return logits.detach()
    result = with_loss(logits.detach(), logits.loss.detach())
    result.given = logits.given
    return result


def task_of_own_loss(model: nn.Module, logits: Tensor, labels: Any) -> TaskKind:
    """The kind of task for the logits; its loss is the loss of the pass that returned them.

    Args:
        model: decides what the labels mean, see `task_kind_of`.
        logits: made by `with_loss`.
        labels: of the batch, if it has any; only labels that fit the logits are used.
    """
    if not getattr(logits, "given", True):
        task: TaskKind = NoLogits(torch.zeros_like(logits), batch_size=1, has_labels=False)
    else:
        task = task_kind_of(model, logits, labels) if labels_fit(labels, logits) else _without_labels(logits)
    return replace(task, loss_fn=_computed_loss, batch_labels=task.labels)


def _computed_loss(logits: Tensor, _labels: Tensor) -> Tensor:
    assert isinstance(logits, LogitsWithLoss)
    return logits.loss


def labels_fit(labels: Any, logits: Tensor) -> bool:
    """Whether there are labels that the logits could be compared with, one per example or token.

    The output of a model that embeds texts does not hold scores of classes, even if the batch has labels.
    """
    if not isinstance(labels, Tensor) or labels.shape[:1] != logits.shape[:1]:
        return False
    if labels.is_floating_point() and logits.shape[-1] > 1:
        return labels.shape == logits.shape
    if labels.dim() > 1 and labels.shape not in (logits.shape[:2], logits.shape):
        return False
    if logits.shape[-1] == 1:
        return labels.numel() == logits.numel()
    return class_outside(labels, logits.shape[-1]) is None


def _without_labels(logits: Tensor) -> TaskKind:
    count, device = logits.shape[:-1].numel(), logits.device
    if logits.shape[-1] == 1:
        return Regression(torch.zeros((count, 1), device=device), batch_size=len(logits), has_labels=False)
    kind = Classification if logits.dim() == 2 else Tokens
    return kind(torch.zeros(count, dtype=torch.long, device=device), batch_size=len(logits), has_labels=False)
