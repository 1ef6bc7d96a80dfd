"""The Hugging Face Trainer door: one changed line, `UEGRTrainer(model, args, method=UEGR(...), ...)`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import Sampler
from transformers import (
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR, rotate_checkpoints

from uegr.backward.staged_optimizer import StagedOptimizer
from uegr.data.encoding import LengthGroupedSampler, lengths_of
from uegr.errors import TrainingError, UsageError
from uegr.methods.method import Method
from uegr.methods.registry import UEGR
from uegr.runs.run_folder import STAGING


class UEGRTrainer(Trainer):
    """`transformers.Trainer` whose steps are a method's forward and backward stage.

    Gradient accumulation, mixed precision, schedulers, distributed training, logging and checkpoints are the
    Trainer's own. The method's state travels in the optimizer's checkpoint. Evaluation is untouched.

    Args:
        *args, **kwargs: as for `Trainer`.
        method: any method of `uegr.methods.registry`; UEGR with its defaults if left out.
    """

    def __init__(self, *args: Any, method: Method | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.method = method or UEGR(seed=self.args.seed)
        if isinstance(self.processing_class, PreTrainedTokenizerBase):
            self.method.bind(self.processing_class)
        self.add_callback(_Preparation(self))

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        optimizer = super().create_optimizer(model)
        if not isinstance(optimizer, StagedOptimizer):
            trained = self.model if model is None else model
            assert trained is not None
            self.optimizer = optimizer = self.method.wrap_optimizer(optimizer, trained)
        return optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> LRScheduler:
        self.method.total_steps = num_training_steps
        scheduler: LRScheduler = super().create_scheduler(num_training_steps, optimizer)
        return scheduler

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        if not model.training:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        if self.label_smoother is not None or self.compute_loss_func is not None:
            raise UsageError("label_smoothing_factor and compute_loss_func would bypass the method: leave them out.")
        # A loss that is already a sum over all accumulated targets must not be divided by their batches again.
        self.loss_is_scaled_for_ga = num_items_in_batch is not None
        loss = self.method.loss(model, inputs, num_items_in_batch)
        if num_items_in_batch is not None and self.args.average_tokens_across_devices:
            loss = loss * self.accelerator.num_processes  # DDP takes the mean over processes
        return (loss, None) if return_outputs else loss

    def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
        loss: Tensor = super().training_step(*args, **kwargs)
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss became {loss.item()} at step {self.state.global_step + 1}: lower the learning rate or "
                "epsilon, or train with --precision fp32; checkpoints written before are intact."
            )
        return loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log the terms of the last loss and what the backward stage reports beside the Trainer's own numbers."""
        if "loss" in logs:
            news = {**self.method.terms, **self.method.backward.report()}
            logs = {**logs, **{name: float(f"{float(term):.6g}") for name, term in news.items()}}
        super().log(logs, start_time)

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int] | None:
        """Length groups that depend on seed and epoch only, so that a resumed run sees the same batches."""
        dataset = self.train_dataset if train_dataset is None else train_dataset
        if self.args.train_sampling_strategy != "group_by_length" or "input_ids" not in getattr(
            dataset, "column_names", ()
        ):
            sampler: Sampler[int] | None = super()._get_train_sampler(train_dataset)
            return sampler
        batch_size = self.args.train_batch_size * self.args.gradient_accumulation_steps
        return LengthGroupedSampler(lengths_of(dataset), batch_size, self.args.data_seed or self.args.seed)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Write the checkpoint beside its place and move it there in one step."""
        output_dir = str(self.args.output_dir)
        self.args.output_dir = os.path.join(output_dir, STAGING)
        try:
            super()._save_checkpoint(model, trial)
        finally:
            self.args.output_dir = output_dir
        self.accelerator.wait_for_everyone()  # every process has written its part
        if self.args.should_save:
            name = f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}"
            place = Path(output_dir) / name
            if not place.exists():  # the same step twice: at the end of an epoch and of the training
                os.replace(Path(output_dir) / STAGING / name, place)
            rotate_checkpoints(
                output_dir=output_dir,
                save_total_limit=self.args.save_total_limit,
                best_model_checkpoint=self.state.best_model_checkpoint,
                use_mtime=True,
            )


class _Preparation(TrainerCallback):
    """Lets the method score the pretrained weights: when model and optimizer are wrapped, and a checkpoint loaded."""

    def __init__(self, trainer: UEGRTrainer) -> None:
        self.trainer = trainer

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        trainer = self.trainer
        if trainer.method.backward.prepared:
            return
        model = trainer.model_wrapped
        assert model is not None
        model.train()
        batches = (trainer._prepare_inputs(batch) for batch in trainer.get_train_dataloader())
        with trainer.compute_loss_context_manager():
            trainer.method.prepare(model, batches, args.gradient_accumulation_steps)
