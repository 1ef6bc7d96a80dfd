"""A mixin that puts a method into any Trainer of Hugging Face, and `UEGRTrainer`, the mixin over `Trainer` itself."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import has_length
from transformers.utils.generic import ModelOutput

from uegr.backward.replay import check_precision
from uegr.backward.staged_optimizer import NO_METHOD_STATE, StagedOptimizer, optimizers_inside
from uegr.errors import UegrWarning, UsageError
from uegr.methods.method import Method
from uegr.methods.method_config import MethodConfig, check_config
from uegr.methods.registry import UEGRConfig
from uegr.modeling.task_kinds.detection import is_one_target_per_example
from uegr.modeling.task_kinds.task_kind import LossFunction
from uegr.training.safe_trainer import SafeTrainerMixin
from uegr.training.sharded_trainer import check_sharding, load_method_state, save_method_state
from uegr.training.trainer_loss import OwnLoss, has_own_loss, logits_seen, loss_of_logits, task_loss


class RobustTrainerMixin(SafeTrainerMixin):
    """Makes the steps of a `transformers.Trainer` a method's forward and backward stage.

    Put it before the trainer's class: `class RobustTrainer(RobustTrainerMixin, Trainer): ...`. Gradient accumulation,
    mixed precision, schedulers, distributed training, logging and checkpoints are the trainer's own. The method's state
    is saved in the optimizer's checkpoint, with FSDP2 beside it; its options are in `method_config.json`. Evaluation is
    unchanged, except that a `loss_fn` or class weights are also used in the loss of evaluation.

    A trainer with a loss of its own (TRL's, sentence-transformers', your subclass with `compute_loss`) keeps it: each
    pass of the method computes that loss, as it does where batches hold no "labels" (question answering). What such a
    trainer measures in its loss is taken from the first pass of a step.

    Args:
        *args, **kwargs: as for the trainer.
        method: the method and its options, such as `UEGRConfig(passes=2)`; UEGR with its defaults if left out.
        method_init: for `hyperparameter_search`: a function from a trial to the method, like `model_init`;
            `lambda trial: UEGRConfig(epsilon=trial.suggest_float("epsilon", 0.03, 0.12))`.
        class_weights: weight of each class in the cross-entropy.
        loss_fn: your own loss of logits and labels, for every pass of the method, as the trainer's `compute_loss_func`
            is. Beside either, class weights and the trainer's `label_smoothing_factor` are refused.

    Raises:
        UsageError: a class has the mixin after its trainer, `method` is not a configuration, the method cannot work
            on this model or with these arguments, or the weights are sharded by DeepSpeed or version 1 of FSDP.
    """

    optimizer: Any  # as loosely typed as in transformers
    loss_is_scaled_for_ga: bool | None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if Trainer in cls.__mro__[: cls.__mro__.index(RobustTrainerMixin)]:
            raise UsageError(
                f"RobustTrainerMixin stands after the trainer's class, which would train without a method: write class "
                f"{cls.__name__}(RobustTrainerMixin, {cls.__bases__[0].__name__})."
            )

    def __init__(
        self,
        *args: Any,
        method: MethodConfig | None = None,
        method_init: Callable[[Any], MethodConfig] | None = None,
        class_weights: Sequence[float] | None = None,
        loss_fn: LossFunction | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        check_sharding(self)
        self.method_config = UEGRConfig() if method is None else check_config(method)
        self._method_init = method_init
        self._class_weights = class_weights
        self._loss_fn = loss_fn
        # A model whose forward takes no labels computes its loss itself, unless a loss is given here.
        is_given = not (class_weights is None and loss_fn is None and self.compute_loss_func is None)
        has_no_labels = "labels" not in self.label_names and (bool(self.label_names) or not is_given)
        self._has_own_loss = has_no_labels or has_own_loss(type(self), RobustTrainerMixin)
        self._own_loss = OwnLoss(self, self._loss_without_method)
        self._terms: dict[str, Tensor] = {}  # of the loss of the step, over its batches so far
        self.method = self._new_method()
        self.add_callback(_Preparation(self))

    def _new_method(self) -> Method:
        """A fresh method, so that a second training of the same trainer gives the same numbers."""
        method = self._create_method()
        fp16 = self.accelerator.mixed_precision == "fp16"  # by the arguments, or by accelerate's configuration
        check_precision(fp16=fp16 and method.backward.replays)  # accelerate's autocast is inside the model
        return method

    def _create_method(self) -> Method:
        options: dict[str, Any] = {"seed": self.args.seed, "class_weights": self._class_weights}
        loss_fn = self._loss_fn
        if self._has_own_loss:
            for name, value in (("class_weights", self._class_weights), ("loss_fn", loss_fn)):
                if value is not None:
                    raise UsageError(
                        f"{name} would have no effect, because this trainer computes its loss itself: leave it out, or "
                        "put it into the trainer's compute_loss."
                    )
            return self.method_config.create(**options, compute_loss=self._own_loss)
        if loss_fn is None and self.compute_loss_func is not None:
            shifts_labels = getattr(self, "_loss_shifts_labels", False)  # newer versions of transformers
            loss_fn = loss_of_logits(self.compute_loss_func, shifts_labels=shifts_labels)
        return self.method_config.create(**options, label_smoothing=self.args.label_smoothing_factor, loss_fn=loss_fn)

    def _hp_search_setup(self, trial: Any) -> None:
        super()._hp_search_setup(trial)
        if trial is not None and self._method_init is not None:
            self.method_config = check_config(self._method_init(trial))
            self.method = self._new_method()

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        optimizer: torch.optim.Optimizer = super().create_optimizer(model)
        # In a second training it is accelerate's wrapper around the method's.
        if any(isinstance(layer, StagedOptimizer) for layer in optimizers_inside(optimizer)):
            return optimizer
        self.method = self._new_method()
        model = self.model if model is None else model
        self.optimizer = staged = self.method.wrap_optimizer(optimizer, model, self.processing_class)
        return staged

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        if not model.training:
            return self._evaluation_loss(model, inputs, return_outputs, num_items_in_batch)
        self._own_loss.begin_batch(inputs)
        # A loss that is already a sum over all accumulated targets must not be divided by their batches again.
        self.loss_is_scaled_for_ga = num_items_in_batch is not None
        looks = return_outputs and not self._has_own_loss
        seen: AbstractContextManager[list[Tensor]] = logits_seen(model) if looks else nullcontext([])
        with seen as logits:
            loss = self.method.loss(inputs, num_items=num_items_in_batch, model=model)
        share = self._share_in_step(num_items_in_batch)
        for name, term in self.method.terms.items():
            self._terms[name] = self._terms.get(name, 0.0) + share * term
        if num_items_in_batch is not None:  # otherwise the trainer divides by the number of batches
            loss = share * loss
        outputs = ModelOutput(logits=logits[0].detach()[: len(inputs["labels"])]) if logits else None
        return (loss, outputs) if return_outputs else loss

    def _loss_without_method(self, model: nn.Module, inputs: Any) -> Tensor:
        loss: Tensor = super().compute_loss(model, inputs)
        return loss

    def _evaluation_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool, num_items: Tensor | int | None
    ) -> Any:
        if (self._loss_fn is None and self._class_weights is None) or "labels" not in inputs:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch=num_items)
        loss, outputs = task_loss(model, inputs, self.method.task_options)
        return (loss, outputs) if return_outputs else loss

    def _share_in_step(self, num_items: Tensor | int | None) -> float:
        """The factor of a batch's loss in the loss of the step, for `num_items` targets in all its batches."""
        if num_items is None or not self._own_loss.counts_targets:  # it is a mean over the batch
            return 1.0 / float(self.current_gradient_accumulation_steps)
        # It is divided by the targets of all processes, and DDP takes the mean over the processes.
        return float(self.accelerator.num_processes) if self.args.average_tokens_across_devices else 1.0

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log the terms of the last step's loss and what the backward stage reports, beside the trainer's numbers."""
        if "loss" in logs:
            terms = {**self._terms, **self.method.backward.report()}
            logs = {**logs, **{name: float(f"{float(term):.6g}") for name, term in terms.items()}}
        super().log(logs, start_time)

    def _maybe_log_save_evaluate(self, *args: Any, **kwargs: Any) -> None:
        if self.control.should_log:  # in all processes at once, unlike a call of `log` by the user
            self._terms = self._mean_terms()
        super()._maybe_log_save_evaluate(*args, **kwargs)

    def _mean_terms(self) -> dict[str, Tensor]:
        """The terms of the last step's loss, as means over the processes."""
        if self.accelerator.num_processes == 1 or not self._terms:
            return self._terms
        names = sorted(self._terms)
        terms = torch.stack([self._terms[name].float().reshape(()).to(self.args.device) for name in names])
        means: Tensor = self.accelerator.reduce(terms, "mean")
        return dict(zip(names, means, strict=True))

    def get_batch_samples(self, *args: Any, **kwargs: Any) -> tuple[list[Any], Tensor | int | None]:
        """The batches of a step, and their targets as the method's loss counts them: ten labels may be one target."""
        self._terms = {}
        batches, counted = super().get_batch_samples(*args, **kwargs)
        if counted is None or not is_one_target_per_example(self.model, batches[0]["labels"]):
            return batches, counted
        targets = torch.tensor(sum(len(batch["labels"]) for batch in batches), device=self.args.device)
        if self.args.average_tokens_across_devices and self.args.world_size > 1:
            targets = self.accelerator.gather(targets).sum()
        return batches, targets

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        super()._save_optimizer_and_scheduler(output_dir)
        if self.is_fsdp_enabled:
            save_method_state(self.method, Path(output_dir), self.args.process_index)
            self.accelerator.wait_for_everyone()  # the first process marks the checkpoint as complete

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        with warnings.catch_warnings():
            if self.is_fsdp_enabled:
                warnings.filterwarnings("ignore", message=NO_METHOD_STATE, category=UegrWarning)
            super()._load_optimizer_and_scheduler(checkpoint)
        if not self.is_fsdp_enabled or checkpoint is None:
            return
        if not load_method_state(self.method, Path(checkpoint), self.args.process_index):
            warnings.warn(f"{NO_METHOD_STATE}, as '{checkpoint}' is of an earlier version.", UegrWarning, stacklevel=2)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        super()._save(output_dir, state_dict)
        self.method_config.save_pretrained(output_dir or self.args.output_dir)


class UEGRTrainer(RobustTrainerMixin, Trainer):
    """`transformers.Trainer` with a method inside; see `RobustTrainerMixin`."""


class _Preparation(TrainerCallback):
    """Lets the method score the pretrained weights, once model and optimizer are wrapped and a checkpoint is loaded."""

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        trainer = self.trainer
        if trainer.method.backward.prepared:
            return
        model = trainer.model_wrapped
        model.train()
        trainer._own_loss.begin_preparation()
        loader = trainer.get_train_dataloader()
        # A stream without a length may be endless: the steps of the training are enough.
        limit = None if has_length(loader) else state.max_steps * args.gradient_accumulation_steps
        batches = (trainer._prepare_inputs(batch) for batch in itertools.islice(loader, limit))
        with trainer.compute_loss_context_manager():
            trainer.method.prepare(batches, accumulation_steps=args.gradient_accumulation_steps, model=model)
