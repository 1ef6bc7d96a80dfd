"""uegr attack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from uegr.cli.app import app
from uegr.cli.options import method_options, numbers
from uegr.cli.terminal import console, progress

if TYPE_CHECKING:
    from uegr.runs.result_parts import RobustnessCurve, TextAttackResult


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def attack(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(help="Folder of a measured run.")],
    names: Annotated[
        list[str],
        typer.Option(
            "--attack",
            help="typos, deepwordbug, synonyms (text); embedding-pgd, auto-pgd, random-search, transfer (embeddings); "
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
    from uegr.evaluation.evaluator import EPSILONS
    from uegr.runs.attack import attack_run

    with progress() as report:
        result = attack_run(
            run,
            names,
            examples=examples,
            split=split,
            epsilons=numbers(epsilons) if epsilons else EPSILONS,
            source=source,
            options=method_options(context.args),
            on_examples=report,
        )
    table = Table("attack", "examples", "accuracy %", "after it %", "queries", "time, in passes")
    for text_attack in result.text_attacks:
        if text_attack.attack in names:
            _row(table, text_attack, text_attack.clean_accuracy, text_attack.accuracy)
    for curve in result.embedding_attacks:
        if curve.attack in names:
            _row(table, curve, curve.values[0], curve.values[-1])
    console.print(table)
    for reason in result.masking_reasons:
        console.print(f"gradient masking suspected: {reason}", markup=False, style="yellow")


def _row(table: Table, attack: TextAttackResult | RobustnessCurve, before: float | None, after: float) -> None:
    assert before is not None
    assert attack.cost is not None
    cells = [f"{100 * before:.1f}", f"{100 * after:.1f}", f"{attack.queries:.1f}", f"{attack.cost.forward_passes:.0f}"]
    table.add_row(attack.attack, str(attack.examples), *cells)
