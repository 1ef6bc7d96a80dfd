"""uegr attack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from uegr.cli.app import app
from uegr.cli.options import method_options, numbers
from uegr.cli.terminal import console, progress


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def attack(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(help="Folder of a measured run.")],
    names: Annotated[
        list[str],
        typer.Option(
            "--attack",
            help="typos, deepwordbug, synonyms (text); pgd, auto-pgd, random-search, transfer (embeddings); "
            "textattack:RECIPE. "
            "Several: --attack A --attack B.",
        ),
    ],
    examples: Annotated[int, typer.Option("--examples", min=1, help="Attack so many, a fixed random choice.")] = 200,
    epsilons: Annotated[str, typer.Option("--epsilons", help="Radii of attacks on embeddings.")] = "",
    source: Annotated[Path | None, typer.Option("--source", help="The run that transfer attacks from.")] = None,
    split: Annotated[str, typer.Option("--split", help="test or validation.")] = "test",
) -> None:
    """Attack a run; results are merged into its results.json. An attack's own options: --steps 50, --rate 0.1, ..."""
    from uegr.evaluation.attacks.attack_registry import attack_name
    from uegr.evaluation.evaluator import EPSILONS
    from uegr.runs.attack import attack as run_attacks

    with progress() as report:
        entry = run_attacks(
            run,
            names,
            examples=examples,
            split=split,
            epsilons=numbers(epsilons) if epsilons else EPSILONS,
            source=source,
            options=method_options(context.args),
            on_examples=report,
        )
    names = [attack_name(name) for name in names]
    table = Table("attack", "examples", "accuracy %", "after it %", "queries", "time, in passes")
    for one in entry.get("text_attacks", []):
        if one["attack"] in names:
            _row(table, one, one["clean_accuracy"], one["accuracy"])
    for one in entry.get("embedding_attacks", []):
        if one["attack"] in names:
            _row(table, one, one["accuracy"][0], one["accuracy"][-1])
    console.print(table)
    for reason in entry.get("analysis", {}).get("gradient_masking", {}).get("reasons", []):
        console.print(f"gradient masking suspected: {reason}", markup=False, style="yellow")


def _row(table: Table, one: dict[str, object], before: float, after: float) -> None:
    cost = one["cost"]
    assert isinstance(cost, dict)
    cells = [f"{100 * before:.1f}", f"{100 * after:.1f}", f"{one['queries']:.1f}", f"{cost['forward_passes']:.0f}"]
    table.add_row(str(one["attack"]), str(one["examples"]), *cells)
