"""uegr train."""

from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from uegr.cli.app import app, option
from uegr.cli.options import method_options, parse_class_weights
from uegr.cli.terminal import console, progress


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def train(
    context: typer.Context,
    output_dir: Annotated[Path, option("--output_dir", "Folder of the run.")],
    task: Annotated[str | None, option("--task", "A named task, such as rotten_tomatoes.")] = None,
    dataset: Annotated[str | None, option("--dataset", "A data set of the hub: NAME or NAME:CONFIGURATION.")] = None,
    train_file: Annotated[str | None, option("--train_file", "Training data: CSV, TSV, JSONL or Parquet.")] = None,
    validation_file: Annotated[
        str | None, option("--validation_file", "Validation data. Default: a tenth of the training data.")
    ] = None,
    test_file: Annotated[str | None, option("--test_file", "Test data. Default: a tenth of the training data.")] = None,
    text_column: Annotated[str, option("--text_column", "Column of the text.")] = "text",
    text_pair_column: Annotated[
        str | None, option("--text_pair_column", "Column of the second text of a pair.")
    ] = None,
    label_column: Annotated[
        str, option("--label_column", "Column of the label; for multi_label also a,b,c.")
    ] = "label",
    kind: Annotated[
        str, option("--kind", "classification, regression, multi_label, seq2seq or causal_lm.")
    ] = "classification",
    metric: Annotated[str | None, option("--metric", "Metric to report, such as macro_f1.")] = None,
    label_separator: Annotated[str, option("--label_separator", "Separates the labels in a multi_label text.")] = ",",
    drop_empty: Annotated[bool, option("--drop_empty", "Drop rows without text.")] = False,
    max_train_examples: Annotated[
        int | None, option("--max_train_examples", "Train on at most N examples, drawn with --seed.")
    ] = None,
    max_test_examples: Annotated[
        int | None,
        option("--max_test_examples", "Use at most N test and N validation examples, the same for all seeds."),
    ] = None,
    model: Annotated[
        str, option("--model_name_or_path", "The embedded default, a folder, or a model of the hub.")
    ] = "all-MiniLM-L6-v2",
    method: Annotated[str, option("--method", "Training method; see uegr methods.")] = "uegr",
    forward: Annotated[str | None, option("--forward", "Take the forward stage from this method instead.")] = None,
    backward: Annotated[str | None, option("--backward", "Take the backward stage from this method instead.")] = None,
    seed: Annotated[int, option("--seed", "Random seed of the data order, the new head, dropout and masks.")] = 0,
    epochs: Annotated[float, option("--epochs", "Passes over the training data.")] = 3.0,
    max_steps: Annotated[int, option("--max_steps", "Optimizer steps; above 0 it overrides --epochs.")] = -1,
    learning_rate: Annotated[float, option("--learning_rate", "Use about 2e-5 for base-size models.")] = 1e-4,
    weight_decay: Annotated[float, option("--weight_decay", "Weight decay of AdamW.")] = 0.01,
    warmup_ratio: Annotated[float, option("--warmup_ratio", "Share of steps with a rising learning rate.")] = 0.06,
    batch_size: Annotated[int, option("--batch_size", "Examples per batch.")] = 32,
    gradient_accumulation_steps: Annotated[
        int, option("--gradient_accumulation_steps", "Batches per optimizer step.")
    ] = 1,
    max_length: Annotated[int, option("--max_length", "Truncate texts to N tokens.")] = 128,
    precision: Annotated[str, option("--precision", "Number format: auto, fp32 or bf16.")] = "auto",
    class_weights: Annotated[str | None, option("--class_weights", "balanced, or one number per class: 1,5.")] = None,
    save_steps: Annotated[int, option("--save_steps", "Checkpoint every N steps; 0: after each epoch.")] = 0,
    resume: Annotated[bool, option("--resume", "Continue an interrupted run from its last checkpoint.")] = False,
    overwrite: Annotated[bool, option("--overwrite", "Replace the run in --output_dir.")] = False,
) -> None:
    """Fine-tune a model. Options of the method (see uegr methods NAME) are given in the same way: --epsilon 0.03."""
    from uegr.data.data_source import DataSource
    from uegr.methods.registry import PAIR
    from uegr.modeling.metrics import METRICS, show
    from uegr.modeling.task_kinds.detection import check_metric
    from uegr.runs.evaluate import validation_metric
    from uegr.runs.model_card import write_card
    from uegr.runs.train import train_run
    from uegr.training.cost_profile import describe
    from uegr.training.run_config import RunConfig

    if metric is not None:
        check_metric(metric, kind)
    if forward is not None or backward is not None:
        method = f"{forward or method}{PAIR}{backward or method}"
    values = {**context.params, "method": method, "options": method_options(context.args)}
    values |= {"class_weights": parse_class_weights(class_weights)}
    values |= {"data": DataSource(**_values_of(DataSource, values))}
    config = RunConfig(**_values_of(RunConfig, values))
    with progress() as on_progress:
        run = train_run(
            config,
            output_dir,
            resume=resume,
            overwrite=overwrite,
            on_step=partial(on_progress, f"training {method}", unit="steps"),
        )
    for finding in run["data"]["findings"]:
        console.print(f"note: {finding['count']:,} {finding['what']}.", style="yellow", highlight=False)
    cost = run["cost"]
    console.print(
        f"{run['train_examples']} examples in {cost['seconds']:.0f} s; a step needs {cost['flop_ratio']:.2f} times the "
        f"operations of plain fine-tuning and {cost['time_ratio']:.2f} times its time."
    )
    if "parts" in cost:
        console.print(describe(cost))
    write_card(output_dir)
    name, value, examples = validation_metric(output_dir)
    console.print(
        f"{METRICS[name].title}: {show(name, value)} on {examples:,} validation examples. Model in {output_dir}; "
        f"evaluate it on test data with: uegr evaluate {output_dir}"
    )


def _values_of(config_class: type, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values that are fields of a config class; the parameters of the command are named like the fields."""
    return {field.name: values[field.name] for field in fields(config_class)}
