"""uegr train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uegr.cli.app import app
from uegr.cli.options import method_options, weights
from uegr.cli.terminal import console, progress


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def train(
    context: typer.Context,
    output_dir: Annotated[Path, typer.Option("--output_dir", help="Folder of the run.")],
    task: Annotated[str | None, typer.Option("--task", help="A named task, such as rotten_tomatoes.")] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="A hub data set, name or name:configuration.")
    ] = None,
    train_file: Annotated[str | None, typer.Option("--train_file", help="CSV, TSV, JSONL or Parquet.")] = None,
    validation_file: Annotated[str | None, typer.Option("--validation_file")] = None,
    test_file: Annotated[str | None, typer.Option("--test_file")] = None,
    text_column: Annotated[str, typer.Option("--text_column")] = "text",
    text_pair_column: Annotated[str | None, typer.Option("--text_pair_column", help="Second text of a pair.")] = None,
    label_column: Annotated[str, typer.Option("--label_column")] = "label",
    kind: Annotated[
        str, typer.Option("--kind", help="classification, regression, multi_label, seq2seq or causal_lm.")
    ] = "classification",
    metric: Annotated[str | None, typer.Option("--metric", help="The metric to report, such as macro_f1.")] = None,
    label_separator: Annotated[str, typer.Option("--label_separator", help="Of a multi-label text.")] = ",",
    drop_empty: Annotated[bool, typer.Option("--drop_empty", help="Drop rows without text.")] = False,
    max_train_examples: Annotated[int | None, typer.Option("--max_train_examples")] = None,
    max_test_examples: Annotated[int | None, typer.Option("--max_test_examples")] = None,
    model: Annotated[
        str, typer.Option("--model_name_or_path", help="The embedded default, a folder, or a hub name.")
    ] = "all-MiniLM-L6-v2",
    method: Annotated[str, typer.Option("--method", help="See uegr methods.")] = "uegr",
    forward: Annotated[str | None, typer.Option("--forward", help="Forward stage of this method instead.")] = None,
    backward: Annotated[str | None, typer.Option("--backward", help="Backward stage of this method instead.")] = None,
    seed: Annotated[int, typer.Option("--seed")] = 0,
    epochs: Annotated[float, typer.Option("--epochs")] = 3.0,
    max_steps: Annotated[int, typer.Option("--max_steps", help="Above 0: overrides --epochs.")] = -1,
    learning_rate: Annotated[float, typer.Option("--learning_rate", help="About 2e-5 for base-size models.")] = 1e-4,
    weight_decay: Annotated[float, typer.Option("--weight_decay")] = 0.01,
    warmup_ratio: Annotated[float, typer.Option("--warmup_ratio")] = 0.06,
    batch_size: Annotated[int, typer.Option("--batch_size")] = 32,
    gradient_accumulation_steps: Annotated[int, typer.Option("--gradient_accumulation_steps")] = 1,
    max_length: Annotated[int, typer.Option("--max_length", help="Cut texts to so many tokens.")] = 128,
    precision: Annotated[str, typer.Option("--precision", help="auto, fp32 or bf16.")] = "auto",
    class_weights: Annotated[
        str | None, typer.Option("--class_weights", help="balanced, or one number a class: 1,5.")
    ] = None,
    save_steps: Annotated[int, typer.Option("--save_steps", help="0: a checkpoint an epoch.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in --output_dir.")] = False,
) -> None:
    """Fine-tune a model. Options of the method (uegr methods NAME) are given the same way: --epsilon 0.03."""
    from uegr.data.data_source import DataSource
    from uegr.methods.registry import PAIR
    from uegr.modeling.metrics import METRICS, show
    from uegr.modeling.task_kinds.detection import check_metric
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
        class_weights=weights(class_weights),
        save_steps=save_steps,
    )
    if use_bf16(precision) and emulates_bf16():
        console.print(
            "note: this processor has no bfloat16 instructions: --precision fp32 is many times as fast.", style="yellow"
        )
    with progress() as report:
        run = train_run(
            config,
            output_dir,
            resume=resume,
            overwrite=overwrite,
            on_step=lambda done, total: report(f"training {method}", done, total),
        )
    for finding in run["data"]["findings"]:
        console.print(f"note: {finding['count']:,} {finding['what']}.", style="yellow", highlight=False)
    cost = run["cost"]
    console.print(
        f"{run['train_examples']} examples in {cost['seconds']:.0f} s; a step costs {cost['flop_ratio']:.2f} times the "
        f"arithmetic of a plain one and took {cost['time_ratio']:.2f} times as long."
    )
    if "parts" in cost:
        console.print(describe(cost))
    write_card(output_dir)
    name, value, examples = validate(output_dir)
    console.print(
        f"{METRICS[name].title}: {show(name, value)} on {examples:,} validation examples. Model in {output_dir}; "
        f"measure it on test data with: uegr evaluate {output_dir}"
    )
