"""uegr attack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from uegr.cli.app import app, option
from uegr.cli.options import method_options, parse_numbers
from uegr.cli.terminal import console, progress


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def attack(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(help="Folder of an evaluated run.")],
    names: Annotated[
        list[str],
        option(
            "--attack",
            "On text: typos, deepwordbug, synonyms, textattack:RECIPE. On embeddings: embedding-pgd, auto-pgd, "
            "random-search, transfer. Several: --attack A --attack B.",
        ),
    ],
    examples: Annotated[int, option("--examples", "Number of examples to attack, a fixed random choice.", min=1)] = 200,
    epsilons: Annotated[str, option("--epsilons", "Radii of attacks on embeddings: 0.01,0.02.")] = "",
    source: Annotated[Path | None, option("--source", "The run whose model computes the transfer attack.")] = None,
    split: Annotated[str, option("--split", "test or validation.")] = "test",
) -> None:
    """Attack a run and merge the results into its results.json. Options of an attack: --steps 50, --rate 0.1, ..."""
    from uegr.evaluation.evaluator import EPSILONS
    from uegr.runs.attack import attack as run_attacks

    with progress() as on_progress:
        entry = run_attacks(
            run,
            names,
            examples=examples,
            split=split,
            epsilons=parse_numbers(epsilons) if epsilons else EPSILONS,
            source=source,
            options=method_options(context.args),
            on_examples=on_progress,
        )
    table = Table("attack", "examples", "accuracy %", "under attack %", "queries", "time, in forward passes")
    for result in entry.get("text_attacks", []):
        if result["attack"] in names:
            _add_row(table, result, result["clean_accuracy"], result["accuracy"])
    for result in entry.get("embedding_attacks", []):
        if result["attack"] in names:
            _add_row(table, result, result["accuracy"][0], result["accuracy"][-1])
    console.print(table)
    for reason in entry.get("analysis", {}).get("gradient_masking", {}).get("reasons", []):
        console.print(f"gradient masking suspected: {reason}", markup=False, style="yellow")


def _add_row(table: Table, result: dict[str, Any], before: float, after: float) -> None:
    passes = result["cost"]["forward_passes"]
    cells = [f"{100 * before:.1f}", f"{100 * after:.1f}", f"{result['queries']:.1f}", f"{passes:.0f}"]
    table.add_row(result["attack"], str(result["examples"]), *cells)
