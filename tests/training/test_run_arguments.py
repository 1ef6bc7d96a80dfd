from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from uegr.errors import UsageError
from uegr.training.run_arguments import training_arguments
from uegr.training.run_config import RunConfig


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("output_dir", "elsewhere", "give the folder of the run itself"),
        ("resume_from_checkpoint", "runs/a/checkpoint-3", "continue an interrupted run with --resume"),
        ("do_train", True, "uegr train always trains"),
        ("do_eval", True, "use uegr evaluate and uegr predict"),
        ("do_predict", False, "use uegr evaluate and uegr predict"),
        ("save_only_model", True, "cannot be resumed"),
        ("bf16", True, "choose the precision with --precision"),
        ("fp16", True, "choose the precision with --precision"),
        ("use_cpu", True, "hide the GPU"),
        ("fsdp", "full_shard", "use UEGRTrainer in your own script"),
        ("deepspeed", "zero3.json", "start with torchrun, or use UEGRTrainer with FSDP2"),
        ("length_column_name", "words", "are counted"),
        ("batch_eval_metrics", True, "over all examples at once"),
    ],
)
def test_arguments_that_a_run_would_not_follow_are_refused(name: str, value: Any, message: str, tmp_path: Path) -> None:
    config = RunConfig(training_arguments={name: value})
    with pytest.raises(UsageError, match=f"--{name} .*{message}"):
        training_arguments(config, tmp_path, bf16=False, examples=8)


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("learning_rate", "learning_rate"),
        ("weight_decay", "weight_decay"),
        ("max_steps", "max_steps"),
        ("save_steps", "save_steps"),
        ("seed", "seed"),
        ("gradient_accumulation_steps", "gradient_accumulation_steps"),
        ("num_train_epochs", "epochs"),
        ("per_device_train_batch_size", "batch_size"),
    ],
)
def test_the_options_of_a_run_are_not_set_a_second_time(name: str, option: str, tmp_path: Path) -> None:
    config = RunConfig(training_arguments={name: 1})
    with pytest.raises(UsageError, match=f"hold {name}, an option of the run itself: set {option} beside them"):
        training_arguments(config, tmp_path, bf16=False, examples=8)


@pytest.mark.parametrize(
    ("further", "message"),
    [
        ({"label_smoothing_factor": 2}, "--label_smoothing_factor must be a number from 0 to 1, not 2"),
        ({"label_smoothing_factor": "much"}, "--label_smoothing_factor must be a number, not 'much'"),
        ({"max_grad_norm": "a"}, "--max_grad_norm must be a number, not 'a'"),
        ({"max_grad_norm": float("nan")}, "--max_grad_norm must be a finite number, not nan"),
        ({"data_seed": "x"}, "--data_seed must be a whole number or None, not 'x'"),
        ({"data_seed": -1}, "--data_seed must be at least 0, not -1"),
        ({"gradient_checkpointing": "maybe"}, "--gradient_checkpointing must be True or False or None, not 'maybe'"),
        ({"average_tokens_across_devices": "no"}, "must be True or False, not 'no'"),
        ({"train_sampling_strategy": "x"}, "unknown value of --train_sampling_strategy 'x'"),
        ({"eval_on_start": True, "eval_strategy": "no", "load_best_model_at_end": False}, "add --eval_strategy epoch"),
        ({"prediction_loss_only": True}, "leave out --prediction_loss_only"),
        ({"dataloader_drop_last": True}, "leaves nothing of 8 examples in batches of 32: give a smaller --batch_size"),
    ],
)
def test_arguments_that_would_fail_later_are_refused(further: dict[str, Any], message: str, tmp_path: Path) -> None:
    config = RunConfig(training_arguments=further, early_stopping_patience=1)
    with pytest.raises(UsageError, match=message):
        training_arguments(config, tmp_path, bf16=False, examples=8)
    training_arguments(RunConfig(batch_size=8), tmp_path, bf16=False, examples=8)


@pytest.mark.parametrize("bf16", [True, False])
def test_the_configuration_of_accelerate_changes_no_precision(
    bf16: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "fp16")
    arguments = training_arguments(RunConfig(batch_size=8), tmp_path, bf16=bf16, examples=8)
    assert arguments.mixed_precision == ("bf16" if bf16 else "no")


@pytest.mark.parametrize("variable", ["ACCELERATE_USE_FSDP", "ACCELERATE_USE_DEEPSPEED"])
def test_sharded_weights_are_refused(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "true")
    with pytest.raises(UsageError, match=f"{variable} is set.*start with torchrun"):
        training_arguments(RunConfig(batch_size=8), tmp_path, bf16=False, examples=8)
