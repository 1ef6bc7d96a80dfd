"""The losses that a trainer brings along: its `compute_loss_func`, and what TRL and sentence-transformers compute."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from transformers import BatchEncoding, Trainer
from transformers.utils.generic import ModelOutput

from uegr.data.kind import IGNORED_LABEL
from uegr.forward.model_pass import run_model
from uegr.forward.step_inputs import Batch, Step
from uegr.forward.task_options import TaskOptions
from uegr.modeling.task_kinds.own_loss import labels_fit
from uegr.modeling.task_kinds.task_kind import LossFunction
from uegr.training.fused_head import SWITCH, fused_fields

MEASUREMENTS = ("_metrics", "_total_train_tokens", "accum_loss_components")
"""Where the trainers of TRL and of sentence-transformers keep what they measure while they compute a loss."""


def has_own_loss(trainer: type, mixin: type) -> bool:
    """Whether a trainer's class computes its loss in another way than `Trainer`.

    Args:
        trainer: the trainer's class.
        mixin: a base class; its `compute_loss` and that of classes before it do not count.
    """
    after = trainer.__mro__[trainer.__mro__.index(mixin) + 1 :]
    return next((parent for parent in after if "compute_loss" in vars(parent)), Trainer) is not Trainer


def loss_of_logits(compute_loss_func: Callable[..., Tensor], *, shifts_labels: bool) -> LossFunction:
    """The trainer's `compute_loss_func` as a loss of logits and labels.

    It gets this batch's number of labels: a sum that it divides by them is the batch's mean, as is the value of a
    function that does not look at the number. The method weights that mean by the batch's share of all accumulated
    targets.

    Args:
        compute_loss_func: from the model's outputs, the labels and `num_items_in_batch` to a scalar, or one value per
            target.
        shifts_labels: whether the first label of a row is not a target, as in causal language models.
    """

    def loss_fn(logits: Tensor, labels: Tensor) -> Tensor:
        counted = labels[..., 1:] if shifts_labels else labels
        count = counted.ne(IGNORED_LABEL).sum().clamp_min(1)
        return compute_loss_func(ModelOutput(logits=logits), labels, num_items_in_batch=count)

    return loss_fn


def task_loss(model: nn.Module, batch: Batch, options: TaskOptions) -> tuple[Tensor, ModelOutput]:
    """The loss of one plain pass, and its logits.

    Args:
        model: in eval mode, wrapped or not.
        batch: with "labels".
        options: of the loss.
    """
    step = Step(torch.Generator(), task_options=options)
    logits = run_model(model, batch, step, None)
    task = step.task(model, logits, batch)
    return task.mean(task.loss(logits)), ModelOutput(logits=logits)


class OwnLoss:
    """The loss that a trainer computes itself, as a method's `compute_loss`; the trainer measures the first pass only.

    Args:
        trainer: keeps the measurements.
        compute_loss: its loss of a model and a batch.
    """

    def __init__(self, trainer: Any, compute_loss: Callable[[nn.Module, Any], Tensor]) -> None:
        self._trainer, self._compute_loss = trainer, compute_loss
        self._has_measured = self._has_encodings = False
        self.counts_targets = True
        """Whether the labels of the last pass fitted its logits; otherwise its loss is a mean over the batch."""

    def begin_batch(self, inputs: Any) -> None:
        """The next passes are those of another batch of the training."""
        self._has_measured, self._has_encodings = False, isinstance(inputs, BatchEncoding)

    def begin_preparation(self) -> None:
        """The next passes come before the training, and are not measured."""
        self._has_measured = True

    def __call__(self, model: nn.Module, inputs: Any) -> tuple[Tensor, Tensor | None]:
        """The loss of one pass, and the model's logits, if it returns any."""
        has_names = isinstance(inputs, Mapping)
        labels = inputs.get("labels") if has_names else None
        if self._has_encodings or isinstance(inputs, BatchEncoding):  # trainers may read inputs.input_ids
            inputs = BatchEncoding(dict(inputs))
        elif has_names:
            inputs = dict(inputs)  # trainers take entries out of it
        kept = _measurements_kept(self._trainer) if self._has_measured else nullcontext()
        with kept, logits_seen(model) as logits:
            loss = self._compute_loss(model, inputs)
        self._has_measured = True
        self.counts_targets = bool(logits) and labels_fit(labels, logits[0])
        if isinstance(labels, Tensor) and not labels.is_floating_point():  # the mean over no targets is NaN
            loss = torch.where(labels.eq(IGNORED_LABEL).all().to(loss.device), loss.nan_to_num(), loss)
        return loss, next(iter(logits), None)


@contextmanager
def _measurements_kept(trainer: Any) -> Iterator[None]:
    """Restore the trainer's measurements after this context."""
    before = {name: copy.deepcopy(getattr(trainer, name)) for name in MEASUREMENTS if hasattr(trainer, name)}
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(trainer, name, value)


@contextmanager
def logits_seen(model: nn.Module) -> Iterator[list[Tensor]]:
    """Collect the logits of the first call of a model, wrapped or not, if it returns any.

    Calls without gradients, such as those of a reference model, are not touched.
    """
    logits: list[Tensor] = []
    labels: list[Tensor] = []
    calls: list[bool] = []

    def before(_model: nn.Module, arguments: Any, keywords: dict[str, Any]) -> Any:
        if not torch.is_grad_enabled() or not keywords.get(SWITCH) or keywords.get("labels") is None:
            return None
        labels.append(keywords["labels"])
        return arguments, {name: value for name, value in keywords.items() if name not in (SWITCH, "labels")}

    def after(_model: nn.Module, _arguments: Any, _keywords: Any, output: Any) -> Any:
        if not torch.is_grad_enabled():
            return None
        if labels:
            output = fused_fields(output, labels.pop())
        if not calls:
            logits.extend(_logits_of(output))
        calls.append(True)
        return output

    handles = [
        model.register_forward_pre_hook(before, with_kwargs=True),
        model.register_forward_hook(after, with_kwargs=True),
    ]
    try:
        yield logits
    finally:
        for handle in handles:
            handle.remove()


def _logits_of(output: Any) -> list[Tensor]:
    """Logits, start and end of an answer as two targets, or scores of pairs; none for a model of embeddings."""
    values = output if isinstance(output, Mapping) else vars(output) if hasattr(output, "__dict__") else {}
    if isinstance(values.get("logits"), Tensor):
        return [values["logits"]]
    if isinstance(values.get("start_logits"), Tensor):
        return [torch.stack([values["start_logits"], values["end_logits"]], dim=1)]
    if isinstance(values.get("scores"), Tensor):  # sentence-transformers' cross-encoders
        scores: Tensor = values["scores"]
        return [scores if scores.dim() > 1 else scores.unsqueeze(-1)]
    return []
