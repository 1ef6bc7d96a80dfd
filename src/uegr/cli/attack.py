"""uegr attack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from uegr.cli.app import app, option
from uegr.cli.options import method_options, parse_numbers
from uegr.cli.terminal import console, progress

if TYPE_CHECKING:
    from uegr.runs.result_parts import RobustnessCurve, TextAttackResult


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def attack(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(help="Folder of an evaluated run.")],
    names: Annotated[
        list[str],
        option(
            "--attack",
            "On text: typos, deepwordbug, synonyms, deletion, textattack:RECIPE, or a perturbation of "
            "docs/gate.md. On embeddings: pgd, auto-pgd, random-search, transfer. Several: --attack A --attack B.",
        ),
    ],
    examples: Annotated[int, option("--examples", "Number of examples to attack, a fixed random choice.", min=1)] = 200,
    epsilons: Annotated[str, option("--epsilons", "Radii of attacks on embeddings: 0.01,0.02.")] = "",
    source: Annotated[Path | None, option("--source", "The run whose model computes the transfer attack.")] = None,
    split: Annotated[str, option("--split", "test or validation.")] = "test",
    calibrated: Annotated[bool, option("--calibrated", "Attacks on the text see calibrated probabilities.")] = False,
) -> None:
    """Attack a run and merge the results into its results.json. Options of an attack: --steps 50, --rate 0.1, ..."""
    from uegr.evaluation.attacks.attack_registry import attack_name
    from uegr.evaluation.evaluator import EPSILONS
    from uegr.runs.attack import attack_run

    with progress() as on_progress:
        result = attack_run(
            run,
            names,
            examples=examples,
            split=split,
            epsilons=parse_numbers(epsilons) if epsilons else EPSILONS,
            source=source,
            calibrated=calibrated,
            options=method_options(context.args),
            on_examples=on_progress,
        )
    attacked = [attack_name(name) for name in names]
    table = Table(
        "attack",
        "examples",
        "accuracy %",
        "under attack %",
        "words changed %",
        "similarity",
        "queries",
        "forward passes",
    )
    for text_attack in result.text_attacks:
        if text_attack.attack in attacked:
            _add_row(table, text_attack, text_attack.clean_accuracy, text_attack.accuracy)
    for curve in result.embedding_attacks:
        if curve.attack in attacked:
            clean = curve.values[0] if curve.epsilons[0] == 0 else None
            _add_row(table, curve, clean, curve.values[-1])
    console.print(table)
    if any(text_attack.trained_on and text_attack.attack in attacked for text_attack in result.text_attacks):
        console.print("* the model was trained on such edits.")
    for text_attack in result.text_attacks:
        if text_attack.attack in attacked and text_attack.untouched:
            console.print(
                f"{text_attack.attack} could change nothing in {text_attack.untouched:,} of {text_attack.examples:,} "
                "texts: they count as robust.",
            )
    for reason in result.masking_reasons:
        console.print(f"gradient masking suspected: {reason}", style="yellow")


def _name(attack: TextAttackResult | RobustnessCurve) -> str:
    """The attack, and a mark where the model was trained on such edits."""
    return f"{attack.title} *" if getattr(attack, "trained_on", None) else attack.title


def _add_row(table: Table, attack: TextAttackResult | RobustnessCurve, before: float | None, after: float) -> None:
    assert attack.cost is not None
    changed, similarity = getattr(attack, "words_changed", None), getattr(attack, "similarity", None)
    change = ["–" if changed is None else f"{100 * changed:.1f}", "–" if similarity is None else f"{similarity:.2f}"]
    costs = [f"{attack.queries:.1f}", f"{attack.cost.forward_passes:.0f}"]
    table.add_row(
        _name(attack),
        str(attack.examples),
        "–" if before is None else f"{100 * before:.1f}",
        f"{100 * after:.1f}",
        *change,
        *costs,
    )
