"""Train a run: from a configuration to a folder with a trained model."""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from transformers import EarlyStoppingCallback

from uegr.data.encoding import collator
from uegr.data.kind import TARGET_PER_TEXT
from uegr.data.task_data import TaskData
from uegr.errors import StoppedError, is_out_of_memory
from uegr.modeling.lora import merged
from uegr.modeling.profile import now
from uegr.runs.folder_lock import only_training
from uegr.runs.run_folder import read_run
from uegr.runs.training_folder import (
    begun_precision,
    check_no_file,
    finish_run,
    no_folder_left,
    prepare_run,
    remove_checkpoints,
    write_finished,
)
from uegr.runs.training_inputs import PreparedTraining, prepared_training
from uegr.runs.validation_in_training import trainer_validation
from uegr.training.cost_profile import measure_cost
from uegr.training.full_disk import disk_errors_explained
from uegr.training.memory_use import free_optimizer, peak_memory, reset_peak_memory
from uegr.training.precision import use_bf16
from uegr.training.processes import is_first_process, on_first_process
from uegr.training.processor import processor_name
from uegr.training.run_arguments import check_buildable, explained_arguments, training_arguments
from uegr.training.run_config import RunConfig
from uegr.training.stop_on_signal import StopOnSignal
from uegr.training.train_to_end import OnStep, run_trainer, stops_at_once, weight_bytes
from uegr.training.trainer import UEGRTrainer
from uegr.training.training_options import Precision

logger = logging.getLogger("uegr")


def train_run(
    config: RunConfig,
    output_dir: Path,
    *,
    data: TaskData | None = None,
    resume: bool = False,
    overwrite: bool = False,
    cost: Mapping[str, Any] | None = None,
    on_step: OnStep = lambda step, total: None,
    stop: StopOnSignal | None = None,
) -> dict[str, Any]:
    """Train and leave a finished run folder; see `uegr.runs.run_folder` for its files.

    Args:
        config: what to train.
        output_dir: the run folder.
        data: use these examples (see `uegr.data.user_data.load_files`) instead of those of config.data.
        resume: continue from the last checkpoint of an interrupted run with the same configuration; the final
            weights equal those of an uninterrupted run. Of a run that was stopped after its last step, what is missing
            is added.
        overwrite: replace the run in the folder.
        cost: the result of `measure_cost` for an equal run; None measures it here, if there is memory for it.
        on_step: called after each step.
        stop: tells the caller of a finished run whether a signal came in its last step.

    Returns:
        The content of run.json.

    Raises:
        UsageError: something in the configuration or the data cannot work.
        TrainingError: the loss became infinite or NaN.
        StoppedError: the training was stopped by a signal; a checkpoint is written.
    """
    check_no_file(output_dir)
    prepared = prepared_training(config, data)
    requested_precision = begun_precision(output_dir, config.precision) if resume else config.precision
    with no_folder_left(output_dir):
        trainer = _trainer(prepared, output_dir, requested_precision)
        check_buildable(trainer)
    precision = "bf16" if trainer.args.bf16 else "fp32"
    # The folder is changed only now, when the configuration has proved possible.
    with only_training(output_dir), stops_at_once(output_dir):
        checkpoint = on_first_process(
            lambda: prepare_run(
                output_dir,
                asdict(config),
                resume=resume,
                overwrite=overwrite,
                precision=precision,
                data_files=config.data.files,
                model=config.model,
            )
        )
        begun = on_first_process(lambda: read_run(output_dir))
        if begun.get("finished"):
            try:
                return _with_cost_of_a_step(prepared, trainer, output_dir, begun, cost)
            except KeyboardInterrupt:
                raise StoppedError("stopped: the run is finished, without the cost of a step.") from None
        training_cost = _train(trainer, checkpoint, on_step, stop)
        editable = prepared.data.kind in TARGET_PER_TEXT and trainer.method.edits_texts
        views = prepared.method_config.written_views(editable)
        run = {"config": asdict(config), "precision": precision, **prepared.record, "views": views}
        return _finished(prepared, trainer, output_dir, run, training_cost, cost)


def _trainer(prepared: PreparedTraining, output_dir: Path, precision: Precision) -> UEGRTrainer:
    config, model, tokenizer = prepared.config, prepared.model, prepared.tokenizer
    arguments = training_arguments(config, output_dir, bf16=use_bf16(precision, model), examples=len(prepared.encoded))
    with explained_arguments():
        trainer = UEGRTrainer(
            model,
            arguments,
            method=prepared.method_config,
            class_weights=prepared.weights,
            train_dataset=prepared.encoded,
            data_collator=collator(prepared.encoded, tokenizer),
            processing_class=tokenizer,
            **trainer_validation(prepared, arguments),
        )
    if config.early_stopping_patience is not None:
        trainer.add_callback(EarlyStoppingCallback(config.early_stopping_patience))
    return trainer


def _train(trainer: UEGRTrainer, checkpoint: str | None, on_step: OnStep, stop: StopOnSignal | None) -> dict[str, Any]:
    """Train, free the optimizer, and return the cost of the training."""
    with explained_arguments(ImportError):  # of packages that single arguments need
        reset_peak_memory()
        outcome = run_trainer(trainer, checkpoint, on_step, stop)
    seconds = outcome.metrics["train_runtime"]
    training_cost = {"peak_memory": peak_memory(), "seconds": seconds, "processor": processor_name()}
    free_optimizer(trainer)
    return training_cost


def _finished(
    prepared: PreparedTraining,
    trainer: UEGRTrainer,
    output_dir: Path,
    run: dict[str, Any],
    training_cost: Mapping[str, Any],
    step_cost: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Write the trained model and run.json, and return the content of run.json with its cost.

    The cost of a step, unless it is given, is measured when the run is written: it needs more memory than the training.
    Only that of adapters is measured before, because writing merges them into the model.
    """
    model, method_config = prepared.model, prepared.method_config
    if step_cost is None and prepared.config.lora_r is not None:
        step_cost = _cost_of_a_step(prepared, trainer)
    run["cost"] = {**(step_cost or {}), **training_cost}
    if is_first_process():
        with disk_errors_explained(output_dir, weight_bytes(model)):
            finish_run(
                output_dir,
                run,
                log=trainer.state.log_history,
                model=merged(model),
                tokenizer=prepared.tokenizer,
                method_config=method_config,
                hardening_texts=prepared.hardening_texts,
            )
    if step_cost is None:
        run = _with_cost_of_a_step(prepared, trainer, output_dir, run)
    if is_first_process():
        remove_checkpoints(output_dir)
    return run


def _with_cost_of_a_step(
    prepared: PreparedTraining,
    trainer: UEGRTrainer,
    output_dir: Path,
    run: dict[str, Any],
    step_cost: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The content of a finished run.json with the cost of a step, which is measured unless it is there or given."""
    if "flop_ratio" in run["cost"]:
        return run
    step_cost = _cost_of_a_step(prepared, trainer) if step_cost is None else step_cost
    run = {**run, "cost": {**step_cost, **run["cost"]}}
    if is_first_process():
        write_finished(output_dir, run)
    return run


def _cost_of_a_step(prepared: PreparedTraining, trainer: UEGRTrainer) -> dict[str, Any]:
    """The result of `measure_cost` on the first batch of an epoch; making the second batch is timed as data.

    Empty where the memory is too small for it.
    """
    loader = iter(trainer.get_train_dataloader())
    batch, start = trainer._prepare_inputs(next(loader)), now()
    data_seconds = now() - start if next(loader, None) is not None else 0.0
    autocast, tokenizer = trainer.compute_loss_context_manager, trainer.processing_class
    method = prepared.method_config.create(seed=prepared.config.seed, class_weights=prepared.weights)
    try:
        return measure_cost(prepared.model, batch, method, autocast, tokenizer=tokenizer, data_seconds=data_seconds)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        logger.warning(
            "The cost of a step was not measured, because two copies of the model with their optimizers need more "
            "memory than there is: the trained model is complete, and a smaller --batch_size may leave room."
        )
        return {}
