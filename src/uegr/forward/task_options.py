"""The user's settings of the task's loss, and which of them exclude each other."""

from dataclasses import dataclass

from torch import Tensor

from uegr.errors import UsageError, shown
from uegr.modeling.task_kinds.own_loss import ComputeLoss
from uegr.modeling.task_kinds.task_kind import LossFunction
from uegr.options import check_value


@dataclass(frozen=True)
class TaskOptions:
    """The user's settings of the task's loss.

    Args:
        class_weights: weight of each class in the cross-entropy, shape (C,).
        label_smoothing: of the cross-entropy, in [0, 1].
        loss_fn: the user's own loss of logits and labels, instead of the task's; see `TaskKind`.
        compute_loss: the user's own loss, which runs the model itself; see `own_loss`.

    Raises:
        UsageError: `compute_loss` is given together with another option, or `loss_fn` with one that belongs to the
            task's usual loss, the label smoothing is out of range, or a loss is not a function.
    """

    class_weights: Tensor | None = None
    label_smoothing: float = 0.0
    loss_fn: LossFunction | None = None
    compute_loss: ComputeLoss | None = None

    def __post_init__(self) -> None:
        for name in ("loss_fn", "compute_loss"):
            if getattr(self, name) is not None and not callable(getattr(self, name)):
                raise UsageError(f"{name} must be a function, not {shown(getattr(self, name))}.")
        check_value("label_smoothing", self.label_smoothing, float)
        if not 0.0 <= self.label_smoothing <= 1.0:
            raise UsageError(f"label_smoothing must be between 0 and 1, not {self.label_smoothing}.")
        if self.compute_loss is not None and (self.default_loss_options() or self.loss_fn is not None):
            raise UsageError(
                "compute_loss is the whole loss: put class weights, label smoothing and loss_fn into it, and leave "
                "those arguments out."
            )
        if self.loss_fn is not None and self.default_loss_options():
            raise UsageError(
                "loss_fn (in a Trainer also compute_loss_func) is the whole loss: put class weights and label "
                "smoothing into it, and leave those arguments out."
            )

    @property
    def changes_loss(self) -> bool:
        """Whether the loss is not just the usual one of the task."""
        return bool(self.default_loss_options()) or self.loss_fn is not None or self.compute_loss is not None

    def default_loss_options(self) -> list[str]:
        """The names of the options that are set and that belong to the task's usual loss."""
        values = {"class_weights": self.class_weights is not None, "label_smoothing": self.label_smoothing > 0}
        return [name for name, is_set in values.items() if is_set]
