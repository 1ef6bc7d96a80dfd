"""uegr train."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from uegr.cli.app import app
from uegr.cli.options import method_options, parse_class_weights
from uegr.cli.terminal import console, progress


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def train(
    context: typer.Context,
    output_dir: Annotated[Path, typer.Option("--output_dir", help="Folder of the run.")],
    task: Annotated[str | None, typer.Option("--task", help="A named task, such as rotten_tomatoes.")] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="A data set of the Hugging Face hub: NAME or NAME:CONFIGURATION.")
    ] = None,
    train_file: Annotated[
        str | None, typer.Option("--train_file", help="Training data: a CSV, TSV, JSONL or Parquet file.")
    ] = None,
    validation_file: Annotated[
        str | None,
        typer.Option("--validation_file", help="Validation data. Default: a tenth of the training data."),
    ] = None,
    test_file: Annotated[
        str | None, typer.Option("--test_file", help="Test data. Default: a tenth of the training data.")
    ] = None,
    text_column: Annotated[str, typer.Option("--text_column", help="Column that holds the text.")] = "text",
    text_pair_column: Annotated[
        str | None, typer.Option("--text_pair_column", help="Column that holds the second text of a pair.")
    ] = None,
    label_column: Annotated[
        str, typer.Option("--label_column", help="Column that holds the label; several for multi_label: a,b,c.")
    ] = "label",
    kind: Annotated[
        str, typer.Option("--kind", help="classification, regression, multi_label, seq2seq or causal_lm.")
    ] = "classification",
    metric: Annotated[
        str | None, typer.Option("--metric", help="Metric to report, such as macro_f1. Default: depends on --kind.")
    ] = None,
    label_separator: Annotated[
        str, typer.Option("--label_separator", help="Separator between the labels of a multi_label text.")
    ] = ",",
    drop_empty: Annotated[bool, typer.Option("--drop_empty", help="Drop rows without text.")] = False,
    max_train_examples: Annotated[
        int | None, typer.Option("--max_train_examples", help="Train on at most N examples, drawn with --seed.")
    ] = None,
    max_test_examples: Annotated[
        int | None,
        typer.Option(
            "--max_test_examples", help="Use at most N test and N validation examples, the same for all seeds."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option("--model_name_or_path", help="The embedded default, a folder, or a model of the hub.")
    ] = "all-MiniLM-L6-v2",
    method: Annotated[str, typer.Option("--method", help="Training method; see uegr methods.")] = "uegr",
    forward: Annotated[
        str | None, typer.Option("--forward", help="Take the forward stage from this method instead.")
    ] = None,
    backward: Annotated[
        str | None, typer.Option("--backward", help="Take the backward stage from this method instead.")
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", help="Random seed of the data order, the new head, dropout and masks.")
    ] = 0,
    epochs: Annotated[float, typer.Option("--epochs", help="Passes over the training data.")] = 3.0,
    max_steps: Annotated[int, typer.Option("--max_steps", help="Optimizer steps; above 0 it overrides --epochs.")] = -1,
    learning_rate: Annotated[
        float, typer.Option("--learning_rate", help="Peak learning rate of AdamW; about 2e-5 suits base-size models.")
    ] = 1e-4,
    weight_decay: Annotated[float, typer.Option("--weight_decay", help="Weight decay of AdamW.")] = 0.01,
    warmup_ratio: Annotated[
        float, typer.Option("--warmup_ratio", help="Share of the steps in which the learning rate rises.")
    ] = 0.06,
    batch_size: Annotated[int, typer.Option("--batch_size", help="Examples per batch.")] = 32,
    gradient_accumulation_steps: Annotated[
        int, typer.Option("--gradient_accumulation_steps", help="Batches per optimizer step.")
    ] = 1,
    max_length: Annotated[int, typer.Option("--max_length", help="Truncate texts to N tokens.")] = 128,
    precision: Annotated[str, typer.Option("--precision", help="Number format: auto, fp32 or bf16.")] = "auto",
    class_weights: Annotated[
        str | None, typer.Option("--class_weights", help="balanced, or one number per class: 1,5.")
    ] = None,
    save_steps: Annotated[
        int, typer.Option("--save_steps", help="Save a checkpoint every N steps; 0: at the end of each epoch.")
    ] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an interrupted run from its last checkpoint.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in --output_dir.")] = False,
) -> None:
    """Fine-tune a model. Options of the method (see uegr methods NAME) are given in the same way: --epsilon 0.03."""
    from uegr.data.data_source import DataSource
    from uegr.methods.registry import PAIR
    from uegr.modeling.metrics import METRICS, check_metric, show
    from uegr.runs.evaluate import validate
    from uegr.runs.model_card import write_card
    from uegr.runs.train import RunConfig
    from uegr.runs.train import train as train_run
    from uegr.training.cost_profile import describe
    from uegr.training.precision import use_bf16
    from uegr.training.processor_name import emulates_bf16

    if metric is not None:
        check_metric(metric, kind)
    if forward is not None or backward is not None:
        method = f"{forward or method}{PAIR}{backward or method}"
    config = RunConfig(
        data=DataSource(
            task=task,
            dataset=dataset,
            train_file=train_file,
            validation_file=validation_file,
            test_file=test_file,
            text_column=text_column,
            text_pair_column=text_pair_column,
            label_column=label_column,
            kind=kind,  # type: ignore[arg-type]
            metric=metric,
            label_separator=label_separator,
            drop_empty=drop_empty,
            max_train_examples=max_train_examples,
            max_test_examples=max_test_examples,
        ),
        model=model,
        method=method,
        options=method_options(context.args),
        seed=seed,
        epochs=epochs,
        max_steps=max_steps,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        warmup_ratio=warmup_ratio,
        batch_size=batch_size,
        gradient_accumulation_steps=gradient_accumulation_steps,
        max_length=max_length,
        precision=precision,
        class_weights=parse_class_weights(class_weights),
        save_steps=save_steps,
    )
    if use_bf16(precision) and emulates_bf16():
        console.print(
            "note: this processor has no bfloat16 instructions: --precision fp32 is many times faster.", style="yellow"
        )
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
    name, value, examples = validate(output_dir)
    console.print(
        f"{METRICS[name].title}: {show(name, value)} on {examples:,} validation examples. Model in {output_dir}; "
        f"evaluate it on test data with: uegr evaluate {output_dir}"
    )
