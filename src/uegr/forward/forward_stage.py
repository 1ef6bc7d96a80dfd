"""What every forward stage is: a function from a model and a batch to a loss, and a little state."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from uegr.modeling.dropout_sites import DropoutSites
from uegr.modeling.embeddings import SharedEmbeddings, embedding_width
from uegr.modeling.task_kinds.detection import task_kind_of
from uegr.modeling.task_kinds.own_loss import ComputeLoss, task_of_own_loss
from uegr.modeling.task_kinds.task_kind import LossFunction, TaskKind
from uegr.options import Options

if TYPE_CHECKING:
    from uegr.forward.view_reader import ViewReader

Batch = Mapping[str, Any]


@dataclass(frozen=True)
class TaskOptions:
    """What a user may say about the task's loss.

    Args:
        class_weights: weight of each class in the cross-entropy, shape (C,).
        label_smoothing: of the cross-entropy, in [0, 1).
        loss_fn: the user's own loss of logits and labels, in place of the task's; see `TaskKind`.
        compute_loss: the user's own loss, which runs the model itself; see `own_loss`.
    """

    class_weights: Tensor | None = None
    label_smoothing: float = 0.0
    loss_fn: LossFunction | None = None
    compute_loss: ComputeLoss | None = None


@dataclass
class Step:
    """The position in the training at which a forward stage is called.

    Args:
        generator: the only source of its randomness, on the CPU; a function of seed, rank and call only, so that a
            resumed run draws what the interrupted run would have drawn.
        number: the number of optimizer steps made so far.
        num_items: the number of targets to divide the summed loss by (gradient accumulation over batches of unequal
            size); None divides by the batch's own number.
        task_options: what the task's loss is made of: see `TaskOptions`.
        perturbs: other passes of this training add a delta. A compiled model keeps the graph of its first pass, so on
            such a model every pass then adds one, if only of zeros.
        view_reader: makes the views of a batch; None where no tokenizer was given.
        embeddings: set by a stage that runs backward through all passes of the step together; see `SharedEmbeddings`.
    """

    generator: torch.Generator
    number: int = 0
    num_items: Tensor | int | None = None
    task_options: TaskOptions = TaskOptions()
    perturbs: bool = False
    view_reader: "ViewReader | None" = None
    embeddings: SharedEmbeddings | None = None

    def task(self, model: nn.Module, logits: Tensor, batch: Batch) -> TaskKind:
        """The kind of task with the labels of this batch."""
        options = self.task_options
        if options.compute_loss is not None:
            return task_of_own_loss(model, logits, batch.get("labels"))
        task = task_kind_of(model, logits, batch["labels"], options.class_weights)
        if options.loss_fn is None and not options.label_smoothing:
            return task
        return replace(
            task, loss_fn=options.loss_fn, batch_labels=batch["labels"], label_smoothing=options.label_smoothing
        )


@dataclass
class Loss:
    """What a forward stage returns.

    Args:
        value: the scalar to call backward() on.
        terms: its parts, detached scalars, for logs and figures.
    """

    value: Tensor
    terms: dict[str, Tensor] = field(default_factory=dict)


class ForwardStage(ABC):
    """A way to turn a batch into a loss. Stateless stages need only `__call__`.

    Args:
        options: the stage's options; their defaults if left out.
    """

    options_class: ClassVar[type[Options]] = Options
    options: Options

    perturbs: ClassVar[bool] = False
    """Whether any of its passes adds a delta to the token embeddings."""
    needs: ClassVar[str] = ""
    """What a model or a loop must have for it, in words, for `uegr methods`."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = self.options_class() if options is None else options
        self._sites: DropoutSites | None = None

    def attach(self, model: nn.Module) -> None:
        """Look at the model once, before training, and refuse it early; called when the optimizer is wrapped."""
        if self.perturbs:
            embedding_width(model)  # refuses a model whose token embeddings are not found

    @abstractmethod
    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        """The loss of `batch` (a dict with "labels"), with a graph to the model's weights."""

    def cost(self) -> float:
        """Arithmetic of one step, in forward passes.

        A forward is 1, a full backward 2, an input-only backward 1; plain fine-tuning is 3.
        """
        return 3.0

    def state_dict(self) -> dict[str, Any]:
        """What the stage must remember between steps (tensors and plain numbers)."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""

    def dropout_sites(self, model: nn.Module) -> DropoutSites:
        """The model's dropout sites for the passes of this step; `release` gives the model back unchanged."""
        self.release()
        self._sites = DropoutSites(model)
        return self._sites

    def release(self) -> None:
        """Remove what had to stay in the model for the backward pass; called after the optimizer's step."""
        if self._sites is not None:
            self._sites.release()
            self._sites = None
