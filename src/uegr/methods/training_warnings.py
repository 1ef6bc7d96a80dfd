"""The warnings that a training can give about its losses and its steps; each is given once."""

import inspect
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from uegr.backward.backward_stage import BackwardStage, optimizer_parameters
from uegr.errors import UegrWarning
from uegr.forward.forward_stage import ForwardStage
from uegr.forward.model_pass import seeded
from uegr.forward.step_inputs import Batch, Step
from uegr.modeling.data_parallel import gradients_differ
from uegr.modeling.dropout_sites import has_dropout
from uegr.modeling.model_parts import device_of
from uegr.modeling.model_wrappers import unwrap
from uegr.modeling.module_modes import in_mode

_CALLER_OF_LOSS = 5
"""Frames from `warnings.warn` here to the line that calls `Method.loss`."""
_CLASSIFIERS = ("ForSequenceClassification", "ForTokenClassification")
"""Classes of transformers that compute the usual loss of their task."""


class TrainingWarnings:
    """The warnings of one training."""

    def __init__(self) -> None:
        self._done: set[str] = set()  # checks that are not made again
        self._versions: list[int] = []  # of the weights after the last loss, until the method makes its step

    def _is_first(self, check: str) -> bool:
        is_first = check not in self._done
        self._done.add(check)
        return is_first

    def before_loss(self, model: nn.Module, forward: ForwardStage, batch: Batch, make_step: Callable[[], Step]) -> None:
        """Check the model and the batch before a loss is computed.

        Args:
            model: wrapped or not.
            forward: the stage that will compute the loss.
            batch: as for the stage.
            make_step: makes the step for the stage; called for the first batch only.
        """
        inner = unwrap(model)
        if not inner.training and self._is_first("eval mode"):
            self._warn_if_without_dropout(inner, forward)
        if self._is_first("unused loss"):
            self._warn_if_own_loss_is_unused(model, batch, make_step())

    def remember_weights(self, weights: Sequence[Tensor]) -> None:
        """Remember the weights of a loss."""
        self._versions = [weight._version for weight in weights]

    def forget_weights(self) -> None:
        """Forget the weights of the last loss: the method has made its step, or given it up, or has other weights."""
        self._versions = []

    def warn_if_weights_changed_elsewhere(self, weights: Sequence[Tensor], name: str) -> None:
        """Warn if the weights have changed since the last loss without a step of the method, called `name`."""
        has_changed = bool(self._versions) and self._versions != [weight._version for weight in weights]
        if has_changed and self._is_first("changed elsewhere"):
            warnings.warn(
                f"the weights have changed without method.optimizer.step(), so the backward stage of {name} does not "
                "run: call step() and zero_grad() of method.optimizer in place of those of your own optimizer.",
                UegrWarning,
                stacklevel=4,
            )

    def warn_if_gradients_differ(self, weights: Sequence[Tensor]) -> None:
        """Warn in the first step of several processes if their gradients differ."""
        if self._is_first("gradients") and gradients_differ(weights):
            warnings.warn(
                "the gradients differ between the processes, so that each will train a different model: give the loss "
                "the wrapped model, method.loss(batch, model=wrapped), or average the gradients before step().",
                UegrWarning,
                stacklevel=5,
            )

    @contextmanager
    def warn_if_no_weight_changes(self, stage: BackwardStage, optimizer: torch.optim.Optimizer) -> Iterator[None]:
        """Warn if a user's own backward stage leaves all weights as they are in this context."""
        if type(stage).__module__.startswith("uegr."):
            yield
            return
        before = [weight._version for weight in optimizer_parameters(optimizer)]
        yield
        after = [weight._version for weight in optimizer_parameters(optimizer)]
        if before == after and self._is_first("no change"):
            warnings.warn(
                f"{type(stage).__name__}.update() has changed no weight: call optimizer.step() in it.",
                UegrWarning,
                stacklevel=6,
            )

    def _warn_if_without_dropout(self, model: nn.Module, forward: ForwardStage) -> None:
        """Warn if a model that has dropout is trained without it, as `from_pretrained` returns models."""
        if forward.sets_dropout or has_dropout(model):
            warnings.warn(
                "the model is in eval mode, so that its dropout is off and passes that differ by it are equal: call "
                "model.train() before the training loop.",
                UegrWarning,
                stacklevel=_CALLER_OF_LOSS,
            )

    def _warn_if_own_loss_is_unused(self, model: nn.Module, batch: Batch, step: Step) -> None:
        """Warn if the model's own loss differs from the loss of its task, which is trained on.

        Examples: class weights in the model, the auxiliary loss of a mixture of experts or of AdaLoRA, a conditional
        random field, a language model that does not shift its labels.
        """
        adapters = _adapters_with_a_loss(model)
        model = unwrap(model) if adapters is None else model
        if step.task_options.changes_loss or (adapters is None and _has_usual_loss(model)):
            return
        losses = _both_losses(model, batch, step)
        if losses is not None and not math.isclose(*losses, rel_tol=_tolerance(model), abs_tol=1e-6):
            owner = type(model if adapters is None else adapters).__name__
            warnings.warn(
                f"{owner} has a loss of its own ({losses[0]:.4f} for the first batch), which is not "
                f"used: the model is trained on the loss of its task ({losses[1]:.4f}). To train on the model's loss, "
                'give it as compute_loss; see "A loss inside the model" in docs/loop.md.',
                UegrWarning,
                stacklevel=_CALLER_OF_LOSS,
            )


def _adapters_with_a_loss(model: nn.Module) -> nn.Module | None:
    """PEFT's adapters, if they have a forward of their own, as AdaLoRA's, which adds to the loss."""
    adapters: Any = getattr(model, "base_model", None) if hasattr(model, "peft_config") else None
    has_forward = type(adapters).__module__.startswith("peft.") and "forward" in vars(type(adapters))
    return adapters if has_forward else None


def _has_usual_loss(model: nn.Module) -> bool:
    """Whether it is known without a pass that the model computes no loss, or the usual one."""
    model_class = type(model)
    parameters = inspect.signature(model_class.forward).parameters
    if "labels" not in parameters and all(parameter.kind != parameter.VAR_KEYWORD for parameter in parameters.values()):
        return True
    return model_class.__module__.startswith("transformers.models.") and model_class.__name__.endswith(_CLASSIFIERS)


def _both_losses(model: nn.Module, batch: Batch, step: Step) -> tuple[float, float] | None:
    """The model's own loss and the loss of its task, from one pass without dropout; None if the model gives no loss."""
    config: Any = getattr(model, "config", None)
    problem_type = getattr(config, "problem_type", None)
    try:
        with torch.no_grad(), in_mode(model, train=False), seeded(0, device_of(model, batch)):
            output = model(**batch)
        fields = output if isinstance(output, Mapping) else vars(output)
        own_loss, logits = fields["loss"], fields["logits"]
        task = step.task(model, logits, batch)
        own_loss, task_loss = float(own_loss), float(task.mean(task.loss(logits)))
    except Exception:  # noqa: BLE001  # a loss that cannot be computed from this batch is not the one the user wants
        return None
    finally:
        torch.clear_autocast_cache()  # casts that were cached here have no graph, and the training needs one
        if getattr(config, "problem_type", None) != problem_type:
            config.problem_type = problem_type  # models write the kind of the labels into it
    return (own_loss, task_loss) if math.isfinite(own_loss) else None


def _tolerance(model: nn.Module) -> float:
    """Relative; models in half precision compute their loss in it."""
    half = any(parameter.dtype in (torch.float16, torch.bfloat16) for parameter in model.parameters())
    return 2e-2 if half else 1e-4
