"""What every training here adds to a `transformers.Trainer`.

- A checkpoint counts when it is complete. One with a pickle of other objects is refused, and a training that is resumed
  from its last checkpoint makes no further step.
- A loss that is infinite or NaN ends the training with an error.
- Length groups depend on seed and epoch only; evaluations read the rows in their order.
- Early stopping begins again with each training that is not resumed.
- One process uses one GPU.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.data import Sampler
from transformers import EarlyStoppingCallback, Trainer

from uegr.data.encoding import LengthGroupedSampler, lengths_of
from uegr.errors import TrainingError, UsageError
from uegr.training.checkpoints import (
    check_complete,
    checkpoint_folder,
    last_complete_checkpoint,
    mark_incomplete,
    rotate,
)

logger = logging.getLogger("uegr")
_Base: Any = Trainer if TYPE_CHECKING else object


class SafeTrainerMixin(_Base):  # type: ignore[misc]
    """A trainer that resumes with the same batches and numbers, and stops when the loss becomes infinite or NaN."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.args.n_gpu > 1:  # nn.DataParallel would give each copy of the model a part of the batch
            logger.warning(
                "%d GPUs are visible and one is used: start with torchrun --nproc_per_node %d to use all.",
                *(self.args.n_gpu, self.args.n_gpu),
            )
            self.args._n_gpu = 1
            self._train_batch_size = self.args.train_batch_size

    def train(self, resume_from_checkpoint: str | bool | None = None, *args: Any, **kwargs: Any) -> Any:
        """See `Trainer.train`; `resume_from_checkpoint=True` takes the last complete checkpoint.

        Raises:
            UsageError: there is no complete checkpoint, or the one that is named is not complete or holds a pickle of
                other objects.
            TrainingError: the loss became infinite or NaN.
        """
        if resume_from_checkpoint is True:
            resume_from_checkpoint = last_complete_checkpoint(Path(self.args.output_dir))
            if resume_from_checkpoint is None:
                raise UsageError(
                    f"there is no complete checkpoint in '{self.args.output_dir}' to resume from: start over, without "
                    "resume_from_checkpoint."
                )
        elif resume_from_checkpoint:
            check_complete(Path(resume_from_checkpoint))
        else:
            for stopper in self._stoppers():  # it may have stopped an earlier training, as in the trials of a search
                stopper.early_stopping_patience_counter = 0
        try:
            return super().train(resume_from_checkpoint, *args, **kwargs)
        except UnpicklingError as error:
            raise UsageError(
                f"'{resume_from_checkpoint}' holds a pickle of objects that no training writes, so it is not read: "
                "resume from another checkpoint, or start over."
            ) from error

    def _run_epoch(self, *args: Any, **kwargs: Any) -> None:
        """Make no step if the training was resumed from its last checkpoint: the Trainer would make one more."""
        if not self._is_over():
            super()._run_epoch(*args, **kwargs)
            return
        self.control.should_training_stop = True
        if self.state.best_model_checkpoint is None and self.state.best_global_step:  # the folder was moved
            best = checkpoint_folder(Path(self.args.output_dir), self.state.best_global_step)
            check_complete(best)
            self.state.best_model_checkpoint = str(best)

    def _is_over(self) -> bool:
        """Whether all steps are made, or the patience of early stopping is spent."""
        return self.state.global_step >= self.state.max_steps or any(
            stopper.early_stopping_patience_counter >= max(1, stopper.early_stopping_patience)  # 0 is as 1
            for stopper in self._stoppers()
        )

    def _stoppers(self) -> list[EarlyStoppingCallback]:
        return [entry for entry in self.callback_handler.callbacks if isinstance(entry, EarlyStoppingCallback)]

    def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
        loss: Tensor = super().training_step(*args, **kwargs)
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss became {loss.item()} at step {self.state.global_step + 1}: lower the learning rate or "
                "epsilon, or train in float32 (bf16=False, fp16=False; --precision fp32)."
            )
        return loss

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int] | None:
        """Length groups that depend on seed and epoch only, so that a resumed run sees the same batches."""
        dataset = self.train_dataset if train_dataset is None else train_dataset
        if self.args.train_sampling_strategy != "group_by_length" or "input_ids" not in getattr(
            dataset, "column_names", ()
        ):
            sampler: Sampler[int] | None = super()._get_train_sampler(train_dataset)
            return sampler
        batch_size = self.args.train_batch_size * self.args.gradient_accumulation_steps
        seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
        return LengthGroupedSampler(lengths_of(dataset), batch_size, seed)

    def _get_eval_sampler(self, eval_dataset: Any) -> Sampler[int] | None:
        """The rows in their order: predictions stand beside other columns of the data, such as the questions of MAP."""
        with self._training_argument("train_sampling_strategy", "random"):
            sampler: Sampler[int] | None = super()._get_eval_sampler(eval_dataset)
        return sampler

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Write a checkpoint, which is complete once its trainer_state.json is there, and remove the oldest ones."""
        folder = Path(self._get_output_dir(trial))
        newest = checkpoint_folder(folder, self.state.global_step)
        if self.args.should_save:
            mark_incomplete(newest)
        self._limit = limit = self.args.save_total_limit
        with self._training_argument("save_total_limit", None):  # the trainer's own rotation deletes file by file
            super()._save_checkpoint(model, trial)
        if self.args.should_save:
            rotate(folder, limit, newest=newest, best=self.state.best_model_checkpoint)

    @contextmanager
    def _training_argument(self, name: str, value: Any) -> Iterator[None]:
        former = getattr(self.args, name)
        setattr(self.args, name, value)
        try:
            yield
        finally:
            setattr(self.args, name, former)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        limit = getattr(self, "_limit", self.args.save_total_limit)
        with self._training_argument("save_total_limit", limit):  # as training_args.bin has it
            super()._save(output_dir, state_dict)
