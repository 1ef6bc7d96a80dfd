"""The base of all forward stages: a function from a model and a batch to a loss, with some state."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from uegr.errors import UsageError, shown
from uegr.modeling.dropout_sites import DropoutSites
from uegr.modeling.embeddings import embedding_width
from uegr.modeling.shared_embeddings import SharedEmbeddings
from uegr.modeling.task_kinds.detection import check_loss_options, task_kind_of
from uegr.modeling.task_kinds.own_loss import ComputeLoss, task_of_own_loss
from uegr.modeling.task_kinds.task_kind import LossFunction, TaskKind
from uegr.options import Options, check_value

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
            task's own loss, the label smoothing is out of range, or a loss is no function.
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
        if self.compute_loss is not None and (self.given() or self.loss_fn is not None):
            raise UsageError(
                "compute_loss is the whole loss: put class weights, label smoothing and loss_fn into it, and leave "
                "those arguments out."
            )
        if self.loss_fn is not None and self.given():
            raise UsageError(
                "loss_fn (in a Trainer also compute_loss_func) is the whole loss: put class weights and label "
                "smoothing into it, and leave those arguments out."
            )

    @property
    def any_given(self) -> bool:
        """Whether the loss is not just the usual one of the task."""
        return bool(self.given()) or self.loss_fn is not None or self.compute_loss is not None

    def given(self) -> list[str]:
        """The names of the options of a task's own loss that are set."""
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
        embeddings: token embeddings that the passes share, set by a stage that differentiates all passes of the step
            together; see `SharedEmbeddings`.
    """

    generator: torch.Generator
    number: int = 0
    num_items: Tensor | int | None = None
    task_options: TaskOptions = TaskOptions()
    perturbs: bool = False
    view_reader: "ViewReader | None" = None
    embeddings: SharedEmbeddings | None = None

    def task(self, model: nn.Module, logits: Tensor, batch: Batch) -> TaskKind:
        """The kind of task with the labels of this batch.

        Raises:
            UsageError: an option of the loss has no effect on this kind of task, or the labels do not fit the logits.
        """
        options = self.task_options
        if options.compute_loss is not None:
            return task_of_own_loss(model, logits, batch.get("labels"))
        any_class = options.loss_fn is not None
        task = task_kind_of(model, logits, batch["labels"], options.class_weights, any_class=any_class)
        if options.loss_fn is None:
            check_loss_options(task, options.given())
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


def checked_loss(result: Any, stage: str) -> Loss:
    """What a forward stage has returned, with its terms as detached tensors.

    Args:
        result: from the stage.
        stage: the name of its class.

    Raises:
        UsageError: it is no `Loss` of a scalar that depends on a trainable weight.
    """
    if not isinstance(result, Loss):
        raise UsageError(f"{stage} must return a Loss, not {shown(result)}: Loss(value).")
    value, terms = result.value, result.terms
    if not isinstance(value, Tensor) or value.numel() != 1:
        given = f"one of shape {tuple(value.shape)}" if isinstance(value, Tensor) else shown(value)
        raise UsageError(f"the Loss of {stage} must hold a scalar tensor, not {given}: take the mean over the targets.")
    if not value.requires_grad:
        raise UsageError(
            f"the loss of {stage} has no gradient at any trainable weight: compute it without torch.no_grad(), "
            "detach() and item(), and unfreeze the weights that it depends on."
        )
    if not isinstance(terms, Mapping):
        raise UsageError(f"the terms of a Loss are a dict of names and scalars, not {shown(terms)}.")
    return Loss(value, {name: torch.as_tensor(term).detach() for name, term in terms.items()})


class ForwardStage(ABC):
    """A way to turn a batch into a loss. Stateless stages need only `__call__`.

    Args:
        options: the stage's options; their defaults if left out.
    """

    options_class: ClassVar[type[Options]] = Options
    options: Options

    perturbs: ClassVar[bool] = False
    """Whether any of its passes adds a delta to the token embeddings."""
    sets_dropout: ClassVar[bool] = False
    """Whether it gives its passes dropout where the model has none of its own."""
    needs: ClassVar[str] = ""
    """What the stage needs of a model or a loop, in words, for `uegr methods`."""
    _sites: DropoutSites | None = None

    def __init__(self, options: Options | None = None) -> None:
        self.options = self.options_class() if options is None else options

    def attach(self, model: nn.Module) -> None:
        """Look at the model before training, and refuse one that the stage cannot work on.

        Called when the optimizer is wrapped.

        Raises:
            UsageError: the model lacks what the stage `needs`.
        """
        if self.perturbs:
            embedding_width(model)  # refuses a model whose token embeddings are not found

    @abstractmethod
    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        """The loss of a batch, a scalar with a graph to the model's weights.

        Args:
            model: in train mode, wrapped or not.
            batch: the model's inputs and "labels".
            step: the position in the training.
        """

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
        """The model's dropout sites for the passes of one loss; `release` restores the model."""
        self._sites = DropoutSites(model) if self._sites is None else self._sites.successor(model)
        return self._sites

    def release(self) -> None:
        """Remove the hooks that had to stay in the model for the backward pass; called after the optimizer's step."""
        if self._sites is not None:
            self._sites.release()
            self._sites = None
