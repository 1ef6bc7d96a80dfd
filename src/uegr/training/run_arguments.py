"""From the configuration of a run to the arguments of a Hugging Face Trainer."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import torch
from transformers import Trainer, TrainingArguments
from transformers.utils.import_utils import is_liger_kernel_available

from uegr.errors import UegrError, UsageError, suggestion, unknown
from uegr.options import check_value, type_hints
from uegr.training.processes import process_count
from uegr.training.run_config import RunConfig
from uegr.training.training_options import TRAINER_NAMES, TrainingOptions

REFUSED = {
    "output_dir": "give the folder of the run itself",
    "resume_from_checkpoint": "continue an interrupted run with --resume",
    **dict.fromkeys(
        ("do_train", "do_eval", "do_predict"), "uegr train always trains, then use uegr evaluate and uegr predict"
    ),
    **dict.fromkeys(("bf16", "fp16"), "choose the precision with --precision auto, fp32 or bf16"),
    "use_cpu": "hide the GPU with CUDA_VISIBLE_DEVICES=",
    **dict.fromkeys(("fsdp", "fsdp_config"), "a run is written whole: use UEGRTrainer in your own script, with FSDP2"),
    "deepspeed": "its weights are flat: start with torchrun, or use UEGRTrainer with FSDP2 in your own script",
    "save_only_model": "a checkpoint without the optimizer cannot be resumed",
    "length_column_name": "the tokens of the texts are counted",
    "batch_eval_metrics": "metrics are computed over all examples at once",
}
"""Fields of `TrainingArguments` that would be ignored or break a run, and what to do instead."""
PLAIN_TYPES = {bool, int, float, type(None)}
"""Types of the fields that are numbers or switches; transformers takes any value for them, "no" for True as well."""


def training_arguments(config: TrainingOptions, output_dir: Path, *, bf16: bool, examples: int) -> TrainingArguments:
    """The Trainer's arguments: a linear schedule, length groups, a checkpoint per epoch or every save_steps steps.

    Args:
        config: of the run.
        output_dir: its folder.
        bf16: run the passes under bfloat16 autocast.
        examples: number of training examples.

    Raises:
        UsageError: no step would be made, or the further arguments are not valid.
    """
    per_step = config.batch_size * config.gradient_accumulation_steps * process_count()
    steps = config.max_steps if config.max_steps > 0 else int(-(-examples // per_step) * config.epochs)
    if steps < 1:
        raise UsageError(f"nothing to train: {config.epochs} epochs make {steps} steps; raise --epochs or --max_steps.")
    arguments: dict[str, Any] = {
        "output_dir": str(output_dir),
        "num_train_epochs": config.epochs,
        "max_steps": config.max_steps,
        "learning_rate": config.learning_rate,
        "weight_decay": config.weight_decay,
        "warmup_steps": int(config.warmup_ratio * steps),
        "per_device_train_batch_size": config.batch_size,
        "gradient_accumulation_steps": config.gradient_accumulation_steps,
        "train_sampling_strategy": "group_by_length",
        "bf16": bf16,
        "seed": config.seed,
        "save_strategy": "steps" if config.save_steps else "epoch",
        "save_steps": config.save_steps or 500,
        "save_total_limit": 2,
        "restore_callback_states_from_checkpoint": True,  # the patience of early stopping
        "logging_steps": max(1, steps // 50),
        "logging_nan_inf_filter": False,  # SafeTrainerMixin raises a TrainingError for a NaN or infinite loss
        "disable_tqdm": True,
        "report_to": [],
        "use_cpu": not torch.cuda.is_available(),
    }
    if isinstance(config, RunConfig):
        check_trainer_arguments(config)
        arguments |= _early_stopping(config) | config.training_arguments
    _check_not_sharded()
    with explained_arguments():
        fitting = TrainingArguments(**arguments)
    fitting.mixed_precision = "bf16" if bf16 else "no"  # and not what accelerate's configuration asks for
    _check_evaluation_and_batches(fitting, examples)
    return fitting


def _early_stopping(config: RunConfig) -> dict[str, Any]:
    """The arguments of early stopping, empty without it: it evaluates as often as checkpoints are written."""
    if config.early_stopping_patience is None:
        return {}
    return {
        "eval_strategy": "steps" if config.save_steps else "epoch",
        "eval_steps": config.save_steps or None,
        "load_best_model_at_end": True,
        "metric_for_best_model": "metric",
        "greater_is_better": True,
    }


def _check_not_sharded() -> None:
    """Raise a UsageError if accelerate's configuration asks for sharded weights."""
    for variable in ("ACCELERATE_USE_FSDP", "ACCELERATE_USE_DEEPSPEED"):
        if os.environ.get(variable, "").lower() in ("1", "true", "yes", "on"):
            raise UsageError(
                f"{variable} is set, and a run of uegr has no sharded weights: start with torchrun, or use UEGRTrainer "
                "with FSDP2 in your own script."
            )


def _check_evaluation_and_batches(arguments: TrainingArguments, examples: int) -> None:
    """Raise a UsageError if an evaluation is asked for that never happens, or no batch is left."""
    if arguments.eval_on_start and arguments.eval_strategy == "no":
        raise UsageError("--eval_on_start needs an evaluation in training: add --eval_strategy epoch, or leave it out.")
    batch_size = arguments.per_device_train_batch_size
    if arguments.dataloader_drop_last and examples < batch_size * process_count():
        raise UsageError(
            f"--dataloader_drop_last leaves nothing of {examples} examples in batches of {batch_size}: give a "
            "smaller --batch_size, or leave it out."
        )


@contextmanager
def explained_arguments(errors: type[Exception] = Exception) -> Iterator[None]:
    """Turn what transformers raises about its arguments into one sentence; its own checks raise anything.

    Args:
        errors: that are about the arguments. Those of files and of uegr stay as they are.
    """
    try:
        yield
    except (UegrError, OSError):
        raise
    except errors as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"the training arguments do not fit together: {reason.rstrip('.')}.") from error


def check_buildable(trainer: Trainer) -> None:
    """Check that optimizer, schedule and loaders can be built from the arguments, before the training begins.

    They are built here once; the training builds them again.

    Raises:
        UsageError: an argument of the optimizer, the schedule or the loaders is not valid.
    """
    with explained_arguments():
        trainer.create_optimizer_and_scheduler(num_training_steps=1)
        trainer.get_train_dataloader()
        if trainer.eval_dataset is not None:
            trainer.get_eval_dataloader()
    trainer.optimizer = trainer.lr_scheduler = None


def check_trainer_arguments(config: RunConfig) -> None:
    """Refuse further arguments that a run would not follow, or that set one of its own options again."""
    _check_fields(config.training_arguments)
    _check_values(config.training_arguments, stops_early=config.early_stopping_patience is not None)
    _check_no_option_of_a_run(config.training_arguments, own={entry.name for entry in fields(config)})


def _check_fields(arguments: dict[str, Any]) -> None:
    """Raise a UsageError if an argument is not a field of `TrainingArguments`, or not of its type."""
    hints = type_hints(TrainingArguments)
    choices = {entry.name: entry.metadata.get("choices", ()) for entry in fields(TrainingArguments)}
    for name, value in arguments.items():
        if name not in choices:
            raise UsageError(
                f"'{name}' is not a field of TrainingArguments{suggestion(name, choices)}: correct its name."
            )
        if len(choices[name]) and value is not None and value not in choices[name]:
            raise unknown(f"value of --{name}", value, choices[name])
        if {*(get_args(hints[name]) or (hints[name],))} <= PLAIN_TYPES:
            check_value(f"--{name}", value, hints[name])
            if isinstance(value, float) and not math.isfinite(value):
                raise UsageError(f"--{name} must be a finite number, not {value}.")


def _check_values(arguments: dict[str, Any], *, stops_early: bool) -> None:
    """Raise a UsageError if transformers would refuse a value of the right type, or ignore it, only later."""
    if arguments.get("use_liger_kernel") and not is_liger_kernel_available():
        raise UsageError("--use_liger_kernel needs a package: pip install liger-kernel, or leave it out.")
    if (data_seed := arguments.get("data_seed")) is not None and data_seed < 0:
        raise UsageError(f"--data_seed must be at least 0, not {data_seed}.")
    smoothing = arguments.get("label_smoothing_factor", 0)
    if not 0 <= smoothing <= 1:
        raise UsageError(f"--label_smoothing_factor must be a number from 0 to 1, not {smoothing!r}.")
    if stops_early and arguments.get("prediction_loss_only"):
        raise UsageError("--early_stopping_patience needs the validation metric: leave out --prediction_loss_only.")


def _check_no_option_of_a_run(arguments: dict[str, Any], own: set[str]) -> None:
    """Raise a UsageError if an argument is one of the run's own options, or not possible in a run."""
    for name in arguments:
        if (option := TRAINER_NAMES.get(name, name)) in own:
            raise UsageError(f"training_arguments hold {name}, an option of the run itself: set {option} beside them.")
        if name in REFUSED:
            raise UsageError(f"--{name} is not possible in a run of uegr: leave it out; {REFUSED[name]}.")
