"""What a forward stage is given besides the model: a batch, the position in the training, settings of the loss."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from uegr.errors import UsageError, shown
from uegr.modeling.shared_embeddings import SharedEmbeddings
from uegr.modeling.task_kinds.detection import check_loss_options, task_kind_of
from uegr.modeling.task_kinds.own_loss import ComputeLoss, task_of_own_loss
from uegr.modeling.task_kinds.task_kind import LossFunction, TaskKind
from uegr.modeling.weight_dtypes import trainable_weights
from uegr.options import check_value

if TYPE_CHECKING:
    from uegr.forward.view_reader import ViewReader

Batch = Mapping[str, Any]


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


@dataclass
class Step:
    """The position in the training at which a forward stage is called.

    Args:
        generator: the source of the stage's randomness, on the CPU. Its state is a function of seed, rank and call
            only, so that a resumed run draws the same numbers as an uninterrupted one. While a stage runs, torch's
            global generators are seeded from it, too, and have their former state afterwards.
        number: the number of optimizer steps made so far.
        num_items: the number of targets to divide the summed loss by (gradient accumulation over batches of unequal
            size); None divides by the batch's own number.
        task_options: settings of the task's loss.
        perturbs: whether any pass of this training adds a delta to the embeddings. A compiled model keeps the graph of
            its first pass, so on such a model every pass must add a delta, if only zeros.
        view_reader: makes the views of a batch; None if no tokenizer was given.
        optimizer_weights: every parameter of the optimizer, which may hold some outside the model, as those of a loss.
        embeddings: token embeddings that the passes share, set by a stage that differentiates all passes of the step
            together; see `SharedEmbeddings`.
    """

    generator: torch.Generator
    number: int = 0
    num_items: Tensor | int | None = None
    task_options: TaskOptions = TaskOptions()
    perturbs: bool = False
    view_reader: "ViewReader | None" = None
    optimizer_weights: Sequence[Tensor] = ()
    embeddings: SharedEmbeddings | None = None
    _last_task: tuple[Tensor, torch.Size, TaskKind] | None = field(default=None, init=False, repr=False)

    def trainable_weights(self, model: nn.Module) -> list[Tensor]:
        """The weights at which a loss must have its gradients: of the model, and of the optimizer outside the model.

        Raises:
            UsageError: none requires a gradient.
        """
        weights = {id(weight): weight for weight in (*model.parameters(), *self.optimizer_weights)}
        return trainable_weights(weights.values())

    def task(self, model: nn.Module, logits: Tensor, batch: Batch) -> TaskKind:
        """The kind of task with the labels of this batch.

        Labels are checked once per step: a pass with the same labels and shape of logits gets the task of the pass
        before it, so a stage must not change labels in place. On a GPU each check waits for the device.

        Raises:
            UsageError: an option of the loss has no effect on this kind of task, or the labels do not fit the logits.
        """
        options = self.task_options
        if options.compute_loss is not None:
            return task_of_own_loss(model, logits, batch.get("labels"))
        labels = batch["labels"]
        if self._last_task is not None and self._last_task[0] is labels and self._last_task[1] == logits.shape:
            return self._last_task[2]
        any_class = options.loss_fn is not None
        task = task_kind_of(model, logits, labels, options.class_weights, any_class=any_class)
        if options.loss_fn is None:
            check_loss_options(task, options.default_loss_options())
        if options.loss_fn is not None or options.label_smoothing:
            task = replace(task, loss_fn=options.loss_fn, batch_labels=labels, label_smoothing=options.label_smoothing)
        self._last_task = (labels, logits.shape, task)
        return task
