"""The command line: parse, call, and turn errors into one sentence and an exit code."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from uegr.errors import UegrError, UsageError
from uegr.terminal import console, progress, quieten

app = typer.Typer(
    help="Fine-tune language models so that they are accurate and hard to fool.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    drop_empty: Annotated[bool, typer.Option("--drop_empty", help="Drop rows without text.")] = False,
    max_train_examples: Annotated[int | None, typer.Option("--max_train_examples")] = None,
    max_test_examples: Annotated[int | None, typer.Option("--max_test_examples")] = None,
    model: Annotated[
        str, typer.Option("--model_name_or_path", help="The embedded default, a folder, or a hub name.")
    ] = "all-MiniLM-L6-v2",
    method: Annotated[str, typer.Option("--method", help="See uegr methods.")] = "uegr",
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
    save_steps: Annotated[int, typer.Option("--save_steps", help="0: a checkpoint an epoch.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in --output_dir.")] = False,
) -> None:
    """Fine-tune a model. Options of the method (uegr methods NAME) are given the same way: --epsilon 0.03."""
    from uegr.tasks.source import DataSource
    from uegr.training.run import RunConfig
    from uegr.training.run import train as train_run

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
        save_steps=save_steps,
    )
    with progress() as report:
        run = train_run(
            config,
            output_dir,
            resume=resume,
            overwrite=overwrite,
            on_step=lambda done, total: report(f"training {method}", done, total),
        )
    cost = run["cost"]
    console.print(
        f"{run['train_examples']} examples in {cost['seconds']:.0f} s; a step costs {cost['flop_ratio']:.2f} times the "
        f"arithmetic of a plain one and took {cost['time_ratio']:.2f} times as long. Model in {output_dir}; measure it "
        f"with: uegr evaluate {output_dir}"
    )


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    epsilons: Annotated[str, typer.Option("--epsilons", help="Radii of the robustness curve.")] = "",
    norm: Annotated[str, typer.Option("--norm", help="l2 (a sequence), l2_token or linf.")] = "l2",
    absolute: Annotated[
        bool, typer.Option("--absolute", help="Epsilons are radii, not relative to the model.")
    ] = False,
    steps: Annotated[int, typer.Option("--steps", help="PGD steps a restart.")] = 5,
    restarts: Annotated[int, typer.Option("--restarts")] = 2,
    attack_examples: Annotated[int | None, typer.Option("--attack_examples", help="Attack only the first N.")] = None,
    typo_rate: Annotated[float, typer.Option("--typo_rate", help="Probability of a typing error a word.")] = 0.3,
    split: Annotated[str, typer.Option("--split", help="test or validation.")] = "test",
) -> None:
    """Measure a run: accuracy, calibration, typing errors, robustness curve. Writes results.json into it."""
    from uegr.evaluation.evaluate import EPSILONS
    from uegr.evaluation.robustness import Attack
    from uegr.measure import measure
    from uegr.report.table import terminal_table

    if split not in ("test", "validation"):
        raise UsageError(f"--split is test or validation, not '{split}'.")
    attack = Attack(norm=norm, relative=not absolute, steps=steps, restarts=restarts)  # type: ignore[arg-type]
    with progress() as report:
        entry = measure(
            run,
            epsilons=numbers(epsilons) if epsilons else EPSILONS,
            attack=attack,
            attack_examples=attack_examples,
            typo_rate=typo_rate,
            split=split,
            on_examples=lambda done, total: report("attacking", done, total),
        )
    console.print(terminal_table([entry]))


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders or results.json files of measured runs.")],
) -> None:
    """Print one table of several measured runs."""
    from uegr.report.results import read_results
    from uegr.report.table import terminal_table

    console.print(terminal_table([entry for path in runs for entry in read_results(path)]))


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders or results.json files of measured runs.")],
    output: Annotated[Path, typer.Option("--output", help="The page to write.")] = Path("report.html"),
) -> None:
    """Write a self-contained page about one or several measured runs."""
    from uegr.report.page import write_page
    from uegr.report.results import read_results

    write_page([entry for path in runs for entry in read_results(path)], output)
    console.print(f"wrote {output}")


@app.command()
def methods(name: Annotated[str | None, typer.Argument(help="Show this method's options.")] = None) -> None:
    """List the methods, or the options of one."""
    from uegr.methods import METHODS, create_method, options_of

    if name is None:
        table = Table("method", "cost (F)", "paper", "what it does")
        for key, entry in METHODS.items():
            table.add_row(key, f"{create_method(key).forward.cost():g}", entry.paper, entry.summary)
        console.print(table)
        return
    create_method(name)
    entry = METHODS[name]
    table = Table("option", "default", "stage")
    for stage, kind in ((entry.forward, "forward"), (entry.backward, "backward")):
        for key, option in options_of(stage).items():
            table.add_row(f"--{key}", str(entry.defaults.get(key, option.default)), kind)
    console.print(table)


@app.command()
def demo(
    output_dir: Annotated[Path, typer.Option("--output_dir")] = Path("runs/demo"),
    seed: Annotated[int, typer.Option("--seed")] = 0,
) -> None:
    """Plain fine-tuning against UEGR on real film reviews, trained, attacked and reported in minutes."""
    from uegr.demo import run_demo
    from uegr.report.table import terminal_table

    with progress() as report:
        entries = run_demo(output_dir, seed, report)
    console.print(terminal_table(entries))
    console.print(f"Look at {output_dir / 'report.html'} (and robustness.png, results.json beside it).")


def method_options(arguments: list[str]) -> dict[str, Any]:
    """`--epsilon 0.03 --dropout 0.1,0.3 --adversary False` as options, numbers read as Python reads them."""
    options: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        name = rest.pop(0)
        if not name.startswith("--"):
            raise UsageError(f"'{name}' belongs to no option: write --name value.")
        name, _, value = name[2:].partition("=")
        if not value:
            if not rest:
                raise UsageError(
                    f"--{name} is no option of uegr train, or its value is missing: see uegr train --help."
                )
            value = rest.pop(0)
        options[name.replace("-", "_")] = _literal(value)
    return options


def numbers(text: str) -> list[float]:
    """Comma-separated numbers."""
    try:
        return [float(one) for one in text.split(",")]
    except ValueError:
        raise UsageError(f"'{text}' is no list of numbers: write them as 0.01,0.02,0.04.") from None


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return {"true": True, "false": False, "none": None}.get(text.lower(), text)


def main() -> None:
    """Entry point of `uegr`: exit code 2 for what the user can mend, 1 for a training that stopped."""
    quieten()
    try:
        app()
    except UegrError as error:
        Console(stderr=True, soft_wrap=True).print(f"uegr: {error}", style="red", markup=False, highlight=False)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except KeyboardInterrupt:
        Console(stderr=True).print("uegr: stopped.", style="red")
        sys.exit(130)


if __name__ == "__main__":
    main()
