"""What a forward stage is given besides the model: a batch, and the `Step`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from uegr.forward.task_options import TaskOptions
from uegr.modeling.dropout_sites import DropoutSites
from uegr.modeling.shared_embeddings import SharedEmbeddings
from uegr.modeling.task_kinds.detection import check_loss_options, task_kind_of
from uegr.modeling.task_kinds.own_loss import task_of_own_loss
from uegr.modeling.task_kinds.task_kind import TaskKind
from uegr.modeling.weight_dtypes import trainable_weights

if TYPE_CHECKING:
    from uegr.forward.view_reader import ViewReader

Batch = Mapping[str, Any]


@dataclass
class Step:
    """What a forward stage is given for one loss, besides model and batch.

    Randomness, counters, settings of the loss, and what its passes share.

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
        sites: the model's dropout sites, set by a stage whose passes have rates of their own; see
            `ForwardStage.dropout_sites`.
    """

    generator: torch.Generator
    number: int = 0
    num_items: Tensor | int | None = None
    task_options: TaskOptions = field(default_factory=TaskOptions)
    perturbs: bool = False
    view_reader: "ViewReader | None" = None
    optimizer_weights: Sequence[Tensor] = ()
    embeddings: SharedEmbeddings | None = None
    sites: DropoutSites | None = None
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
