"""uegr train."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from uegr.cli.app import app, option
from uegr.cli.config_options import config_options, values_of
from uegr.cli.options import method_options, parse_class_weights
from uegr.cli.terminal import console, progress
from uegr.data.data_source import DataSource
from uegr.training.run_config import RunConfig


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
@config_options(DataSource, RunConfig, flags={"model": "--model_name_or_path"})
def train(
    context: typer.Context,
    output_dir: Annotated[Path, option("--output_dir", "Folder of the run.")],
    forward: Annotated[str | None, option("--forward", "Take the forward stage from this method instead.")] = None,
    backward: Annotated[str | None, option("--backward", "Take the backward stage from this method instead.")] = None,
    resume: Annotated[bool, option("--resume", "Continue an interrupted run from its last checkpoint.")] = False,
    overwrite: Annotated[bool, option("--overwrite", "Replace the run in --output_dir.")] = False,
    **values: Any,
) -> None:
    """Fine-tune a model. Options of the method (see uegr methods NAME) are given in the same way: --epsilon 0.03."""
    from uegr.methods.method_lookup import PAIR
    from uegr.modeling.task_kinds.detection import check_metric
    from uegr.runs.evaluate import validation_metric
    from uegr.runs.model_card import write_card
    from uegr.runs.train import train_run
    from uegr.training.cost_profile import describe

    source, method = DataSource(**values_of(DataSource, values)), values["method"]
    if source.metric is not None:
        check_metric(source.metric, source.kind)
    if forward is not None or backward is not None:
        method = f"{forward or method}{PAIR}{backward or method}"
    values |= {"data": source, "method": method, "options": method_options(context.args)}
    values |= {"class_weights": parse_class_weights(values["class_weights"])}
    config = RunConfig(**values_of(RunConfig, values))
    with progress() as on_progress:
        run = train_run(
            config,
            output_dir,
            resume=resume,
            overwrite=overwrite,
            on_step=partial(on_progress, f"training {method}", unit="steps"),
        )
    for finding in run["data"]["findings"]:
        console.print(f"note: {finding['count']:,} {finding['message']}.", style="yellow", highlight=False)
    cost = run["cost"]
    console.print(
        f"{run['train_examples']} examples in {cost['seconds']:.0f} s; a step needs {cost['flop_ratio']:.2f} times the "
        f"operations of plain fine-tuning and {cost['time_ratio']:.2f} times its time."
    )
    if "parts" in cost:
        console.print(describe(cost))
    write_card(output_dir)
    title, value, examples = validation_metric(output_dir)
    console.print(
        f"{title}: {value} on {examples:,} validation examples. Model in {output_dir}; evaluate it on test data with: "
        f"uegr evaluate {output_dir}",
    )
