"""One training run, from a configuration to a folder with a trained model."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import (
    PrinterCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from uegr.data.class_weighting import class_weights
from uegr.data.data_source import DataSource
from uegr.data.encoding import collator, encode
from uegr.data.task_data import TaskData
from uegr.data.task_registry import without_training_split
from uegr.errors import StoppedError, UsageError
from uegr.methods.registry import make_config
from uegr.modeling.model_loading import EMBEDDED_MODEL, load_model, load_tokenizer
from uegr.modeling.profile import now
from uegr.runs import run_folder
from uegr.training.cost_profile import measure_cost
from uegr.training.precision import check_precision, use_bf16
from uegr.training.processor_name import processor_name
from uegr.training.stop_on_signal import StopOnSignal
from uegr.training.trainer import UEGRTrainer

OnStep = Callable[[int, int], None]
RANGES: dict[str, tuple[float, float]] = {
    "seed": (0, 2**32 - 1),  # what NumPy takes
    "epochs": (0, math.inf),
    "learning_rate": (0, math.inf),
    "weight_decay": (0, math.inf),
    "warmup_ratio": (0, 1),
    "batch_size": (1, math.inf),
    "gradient_accumulation_steps": (1, math.inf),
    "max_length": (1, math.inf),
    "save_steps": (0, math.inf),
}
"""From where to where the numbers of a `RunConfig` may go."""


@dataclass(frozen=True)
class RunConfig:
    """All that decides a training run.

    Args:
        data: where the examples come from.
        model: the embedded default, a folder, a hub name, or a model trained from nothing (textcnn, bilstm,
            transformer) with a tokenizer learned from the training texts.
        method, options: see `uegr.methods.registry`.
        seed: of the training subset, the new head, the data order, dropout and masks.
        epochs, max_steps: length of the training; max_steps above 0 overrides epochs.
        learning_rate, weight_decay, warmup_ratio: AdamW with linear warm-up and decay. 1e-4 suits small
            encoders such as the default; base-size models want about 2e-5.
        batch_size, gradient_accumulation_steps: examples a step are their product.
        max_length: texts are cut to so many tokens; nothing is padded to it.
        precision: "auto", "fp32" or "bf16".
        class_weights: "balanced", or one weight a class; see `uegr.data.class_weighting`.
        save_steps: a checkpoint every so many steps; 0 writes one at the end of each epoch.

    Raises:
        UsageError: a number with which nothing can be trained.
    """

    data: DataSource = field(default_factory=DataSource)
    model: str = EMBEDDED_MODEL
    method: str = "uegr"
    options: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    epochs: float = 3.0
    max_steps: int = -1
    learning_rate: float = 1e-4
    weight_decay: float = 0.01
    warmup_ratio: float = 0.06
    batch_size: int = 32
    gradient_accumulation_steps: int = 1
    max_length: int = 128
    precision: str = "auto"
    class_weights: Literal["balanced"] | tuple[float, ...] | None = None
    save_steps: int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not (low <= value <= high and math.isfinite(value)):
                ends = f"at least {low}" if high == math.inf else f"between {low} and {high}"
                raise UsageError(f"{name} must be {ends}, not {value}.")
        check_precision(self.precision)


def train(
    config: RunConfig,
    output_dir: Path,
    *,
    data: TaskData | None = None,
    resume: bool = False,
    overwrite: bool = False,
    cost: Mapping[str, Any] | None = None,
    on_step: OnStep = lambda step, total: None,
) -> dict[str, Any]:
    """Train and leave a finished run folder; see `uegr.runs.run_folder` for what it holds.

    Args:
        config: what to train.
        output_dir: the run's folder.
        data: use these examples (see `uegr.data.user_data.load_files`) and not those of config.data.
        resume: go on from the last checkpoint of an interrupted run with the same configuration; the weights
            come out as those of an uninterrupted run.
        overwrite: replace a run that is there.
        cost: what `measure_cost` found for an equal run; None measures it here.
        on_step: told the steps done and the steps of the whole training.

    Returns:
        The content of run.json.

    Raises:
        UsageError: something in the configuration or the data cannot work.
        TrainingError: the loss was lost.
        StoppedError: somebody stopped it; a checkpoint is there.
    """
    method_config = make_config(config.method, config.options)
    data = config.data.load(config.seed) if data is None else data
    if not len(data.train):
        raise UsageError(without_training_split(data.name))
    texts = (str(text) for column in data.written_columns for text in data.train[column])
    tokenizer = load_tokenizer(config.model, texts)
    weights = class_weights(config.class_weights, data)
    encoded = encode(data.train, tokenizer, data.text_columns, config.max_length, data.kind)
    model = load_model(config.model, data.kind, data.label_names, config.seed, tokenizer)
    bf16 = use_bf16(config.precision, model)
    arguments = _arguments(config, output_dir, bf16, len(encoded))
    # Only now, when all that was asked for has proved possible, is the folder touched.
    checkpoint = run_folder.prepare(output_dir, asdict(config), resume=resume, overwrite=overwrite)

    interruption = StopOnSignal()
    trainer = UEGRTrainer(
        model,
        arguments,
        method=method_config,
        class_weights=weights,
        train_dataset=encoded,
        data_collator=collator(encoded, tokenizer),
        processing_class=tokenizer,
        callbacks=[_Progress(on_step), interruption],
    )
    trainer.remove_callback(PrinterCallback)
    try:
        with interruption.listening():
            outcome = trainer.train(resume_from_checkpoint=checkpoint)
    except KeyboardInterrupt:
        raise StoppedError(
            f"stopped at once: go on from the last checkpoint with --resume, in '{output_dir}'."
        ) from None
    if trainer.state.global_step < trainer.state.max_steps:
        raise StoppedError(
            f"stopped after step {trainer.state.global_step} of {trainer.state.max_steps}, checkpoint written: go on "
            f"with --resume, in '{output_dir}'."
        )
    if cost is None:
        loader = iter(trainer.get_train_dataloader())
        batch, start = trainer._prepare_inputs(next(loader)), now()
        waited = now() - start if next(loader, None) is not None else 0.0
        fresh = method_config.create(seed=config.seed, class_weights=weights)
        fresh.bind(tokenizer)
        cost = measure_cost(model, batch, fresh, trainer.compute_loss_context_manager, data_seconds=waited)
    run = {
        "config": asdict(config),
        "precision": "bf16" if bf16 else "fp32",
        "task": data.name,
        "kind": data.kind,
        "train_examples": len(data.train),
        "data": {"classes": data.class_counts, "findings": [asdict(one) for one in data.findings]},
        "cost": {**cost, "seconds": outcome.metrics["train_runtime"], "processor": processor_name()},
    }
    if trainer.is_world_process_zero():
        run_folder.finish(output_dir, run, trainer.state.log_history, model, tokenizer)
    return run


def _arguments(config: RunConfig, output_dir: Path, bf16: bool, examples: int) -> TrainingArguments:
    per_step = config.batch_size * config.gradient_accumulation_steps
    steps = config.max_steps if config.max_steps > 0 else int(-(-examples // per_step) * config.epochs)
    if steps < 1:
        raise UsageError(f"nothing to train: {config.epochs} epochs make {steps} steps; raise --epochs or --max_steps.")
    return TrainingArguments(
        output_dir=str(output_dir),
        num_train_epochs=config.epochs,
        max_steps=config.max_steps,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        warmup_steps=int(config.warmup_ratio * steps),
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        train_sampling_strategy="group_by_length",
        bf16=bf16,
        seed=config.seed,
        save_strategy="steps" if config.save_steps else "epoch",
        save_steps=config.save_steps or 500,
        save_total_limit=2,
        logging_steps=max(1, steps // 50),
        logging_nan_inf_filter=False,  # a lost loss stops the training with a sentence of our own
        disable_tqdm=True,
        report_to=[],
        use_cpu=not torch.cuda.is_available(),
    )


class _Progress(TrainerCallback):
    def __init__(self, on_step: OnStep) -> None:
        self.tell = on_step

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self.tell(state.global_step, state.max_steps)
