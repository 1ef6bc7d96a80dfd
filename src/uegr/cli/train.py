"""uegr train."""

from collections.abc import Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from uegr.cli.app import app, option
from uegr.cli.config_file import read_config_file
from uegr.cli.config_options import config_options, values_of
from uegr.cli.method_help import MethodHelp, chosen_method
from uegr.cli.option_values import method_options, parse_class_weights, refuse_given
from uegr.cli.terminal import console, progress
from uegr.data.data_source import OF_OWN_DATA, OF_TRAIN_FILE, DataSource
from uegr.data.kind import Kind
from uegr.errors import UsageError, suggestion
from uegr.options import Options, check_value
from uegr.training.processes import is_first_process
from uegr.training.run_config import RunConfig
from uegr.training.training_options import TRAINER_NAMES

FILES = ("train_file", "validation_file", "test_file")
RUN, METHOD, CHECKPOINTS = "Run", "Method", "Checkpoints and early stopping"
PANELS = {
    METHOD: ("method",),
    "Data": tuple(entry.name for entry in fields(DataSource)),
    "Model": ("model", "max_length", "normalize", "trust_remote_code"),
    "Training": (
        "seed",
        "epochs",
        "max_steps",
        "learning_rate",
        "weight_decay",
        "warmup_ratio",
        "batch_size",
        "gradient_accumulation_steps",
        "precision",
        "class_weights",
    ),
    "LoRA": ("lora_r", "lora_alpha", "lora_dropout", "lora_target_modules"),
    CHECKPOINTS: ("save_steps", "early_stopping_patience"),
}
"""Panels of the help and the options in them."""
LORA = ("lora_alpha", "lora_dropout", "lora_target_modules")
OF_KINDS = {
    "label_separator": ("multi_label",),
    "positive_label": ("classification",),
    "label_column": tuple(kind for kind in get_args(Kind) if kind != "causal_lm"),
    "drop_empty": tuple(kind for kind in get_args(Kind) if kind != "causal_lm"),
}
"""Option -> the kinds of task that it belongs to. Rows without text are always dropped for causal_lm."""
FLAGS = {"model": "--model_name_or_path"}
"""Field of the configuration -> its option, where that has another name."""


@app.command(cls=MethodHelp, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
@config_options(DataSource, RunConfig, flags=FLAGS, panels=PANELS)
def train(
    context: typer.Context,
    output_dir: Annotated[Path | None, option("--output_dir", "Folder of the run.", rich_help_panel=RUN)] = None,
    config_file: Annotated[
        Path | None, option("--config", "A YAML file of options, such as epochs: 3.", rich_help_panel=RUN)
    ] = None,
    overwrite: Annotated[
        bool,
        option("--overwrite", "Replace the run in --output_dir; with --resume, continue it.", rich_help_panel=RUN),
    ] = False,
    forward: Annotated[
        str | None, option("--forward", "Take the forward stage from this method instead.", rich_help_panel=METHOD)
    ] = None,
    backward: Annotated[
        str | None, option("--backward", "Take the backward stage from this method instead.", rich_help_panel=METHOD)
    ] = None,
    resume: Annotated[
        bool,
        option("--resume", "Continue an interrupted run from its last checkpoint.", rich_help_panel=CHECKPOINTS),
    ] = False,
    **_: Any,
) -> None:
    """Fine-tune a model. The last panel lists the options of UEGR; with --method NAME, those of that method. Fields of
    transformers' TrainingArguments are given in the same way: --lr_scheduler_type cosine."""
    from uegr.runs.evaluate import validation_metric
    from uegr.runs.model_card import write_card
    from uegr.runs.train import train_run
    from uegr.runs.training_folder import check_keeps

    further = method_options(context.args)
    values = read_config_file(context, config_file, further, ("output_dir", "model", *FILES), TRAINER_NAMES)
    if values["output_dir"] is None:
        raise UsageError("name the folder of the run: --output_dir runs/NAME.")
    for name in ("output_dir", *FILES):
        if not isinstance(values[name], str | Path | None):
            raise UsageError(f"{name} must be a path, not {values[name]!r}: write it in quotes.")
        if values[name] == "":
            raise UsageError(f"{name} is empty: give it a path, or leave it out.")
    for name in ("resume", "overwrite"):  # in a file they may be texts: "false" is true
        check_value(name, values[name], bool)
    output_dir = Path(values["output_dir"])
    config = _run_config(_data_source(values), values, further)
    if config_file is not None and values["overwrite"] and not values["resume"]:
        check_keeps(output_dir, [str(config_file)])
    with progress() as on_progress:
        run = train_run(
            config,
            output_dir,
            resume=values["resume"],
            overwrite=values["overwrite"],
            on_step=partial(on_progress, f"training {config.method}", unit="steps"),
        )
    _print_training(run)
    if not is_first_process():
        return
    write_card(output_dir)
    title, value, examples = validation_metric(output_dir, trust_remote_code=config.trust_remote_code)
    console.print(
        f"{title}: {value} on {examples:,} validation examples. Model in {output_dir}; evaluate it on test data with: "
        f"uegr evaluate {output_dir}",
    )


def _data_source(values: dict[str, Any]) -> DataSource:
    """Return where the data comes from, with absolute paths: the run can then be measured from any folder."""
    from uegr.modeling.task_kinds.detection import check_metric

    files = {name: str(Path(values[name]).absolute()) for name in FILES if values[name]}
    source = DataSource(**{**values_of(DataSource, values), **files})
    if source.task is not None:
        _refuse_unused(DataSource, OF_OWN_DATA, values, "a named task has its own: take --train_file or --dataset")
    if source.train_file is None:
        _refuse_unused(DataSource, OF_TRAIN_FILE, values, "it goes with --train_file")
    for name, kinds in OF_KINDS.items():
        if source.kind not in kinds:
            _refuse_unused(DataSource, [name], values, f"it is for --kind {' or '.join(kinds)}")
    if source.metric is not None:
        check_metric(source.metric, source.kind)
    return source


def _refuse_unused(config: type[Options], names: Sequence[str], values: dict[str, Any], fix: str) -> None:
    """Raise a UsageError if one of the options differs from its default, where nothing would use it."""
    defaults = vars(config())
    refuse_given([f"--{name}" for name in names if values[name] not in (defaults[name], "")], fix)


def _print_training(run: dict[str, Any]) -> None:
    """Print what was found in the data and what the training cost."""
    from uegr.training.cost_profile import cost_in_words

    for finding in run["data"]["findings"]:
        console.print(f"note: {finding['count']:,} {finding['message']}.", style="yellow", highlight=False)
    cost = run["cost"]
    step_cost = "the cost of a step was not measured"
    if "flop_ratio" in cost:
        step_cost = (
            f"a step needs {cost['flop_ratio']:.2f} times the arithmetic of plain fine-tuning and "
            f"{cost['time_ratio']:.2f} times its time"
        )
    console.print(f"{run['train_examples']} examples in {cost['seconds']:.0f} s; {step_cost}.")
    if "parts" in cost:
        console.print(cost_in_words(cost))


def _run_config(source: DataSource, values: dict[str, Any], further: dict[str, Any]) -> RunConfig:
    """Return the configuration of the run.

    Args:
        source: where the data comes from.
        values: name of an option of the command -> its value.
        further: options that are not the command's own: of the method, or fields of transformers' TrainingArguments.
    """
    from transformers import TrainingArguments

    from uegr.methods.method_lookup import config_class

    method = chosen_method(values)
    own = {entry.name for entry in fields(config_class(method))}
    huggingface = {entry.name for entry in fields(TrainingArguments)}
    arguments: dict[str, Any] = {}
    for name in [name for name in further if name not in own and name in huggingface]:
        if name in TRAINER_NAMES:
            values = {**values, TRAINER_NAMES[name]: further.pop(name)}
        else:
            arguments[name] = further.pop(name)
    for name in further:
        if name not in own:
            flags = [f"--{flag}" for flag in {*own, *huggingface, *values} - {*FLAGS}]
            similar = f" (did you mean '{FLAGS[name]}'?)" if name in FLAGS else suggestion(f"--{name}", flags)
            raise UsageError(
                f"--{name} is not an option of uegr train, of the method {method} or of transformers' "
                f"TrainingArguments{similar}: see uegr train --help --method {method}."
            )
    if values["lora_r"] is None:
        _refuse_unused(RunConfig, LORA, values, "adapters are trained with --lora_r")
    weights = values["class_weights"]
    values = {**values, "data": source, "method": method, "options": further, "training_arguments": arguments}
    values |= {"class_weights": parse_class_weights(weights) if isinstance(weights, str) else weights}
    return RunConfig(**values_of(RunConfig, values))
