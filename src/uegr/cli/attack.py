"""uegr attack."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.table import Column, Table

from uegr.cli.app import app, option
from uegr.cli.option_values import method_options, parse_numbers, refuse_unused
from uegr.cli.shared_options import BatchSizeOption, SplitOption, TrustOption
from uegr.cli.terminal import console, progress

if TYPE_CHECKING:
    from uegr.runs.result_parts import RobustnessCurve, TextAttackRecord
    from uegr.runs.run_result import RunResult


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def attack(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(help="Folder of an evaluated run.")],
    names: Annotated[
        list[str],
        option(
            "--attack",
            "On text: deepwordbug, synonyms, deletion, deepwordbug-published, textfooler-published, textattack:RECIPE, "
            "or a perturbation of docs/gate.md, such as typos; obfuscation: five of these. On embeddings: pgd, "
            "auto-pgd, random-search, transfer. Several: --attack A --attack B.",
        ),
    ],
    examples: Annotated[
        int,
        option("--examples", "Number of examples to attack, a fixed random choice.", "--attack_examples", min=1),
    ] = 200,
    epsilons: Annotated[str, option("--epsilons", "Radii of attacks on embeddings, such as 0.01,0.02.")] = "",
    source: Annotated[Path | None, option("--source", "The run whose model computes the transfer attack.")] = None,
    split: SplitOption = "test",
    calibrated: Annotated[bool, option("--calibrated", "Use calibrated probabilities in attacks on text.")] = False,
    batch_size: BatchSizeOption = 64,
    trust_remote_code: TrustOption = False,
) -> None:
    """Attack a run and merge the results into its results.json. Options of an attack: --steps 50, --rate 0.1, ...

    Their names in uegr evaluate, such as --attack_steps, are understood, too.
    """
    from uegr.evaluation.attacks.attack_registry import EMBEDDING_ATTACKS, attack_name, without_groups
    from uegr.evaluation.evaluator import EPSILONS
    from uegr.runs.attack import attack_run

    embedding_attacks = {attack_name(name) for name in names} & EMBEDDING_ATTACKS.keys()
    if "transfer" not in embedding_attacks:
        refuse_unused(context, ("source",), "add --attack transfer")
    if not embedding_attacks:
        refuse_unused(context, ("epsilons",), "add an attack on the embeddings, such as --attack pgd")
    if len(embedding_attacks) == len(set(names)):
        refuse_unused(context, ("calibrated",), "add an attack on the text, such as --attack deepwordbug")
    with progress() as on_progress:
        result = attack_run(
            run,
            names,
            examples=examples,
            split=split,
            batch_size=batch_size,
            trust_remote_code=trust_remote_code,
            epsilons=parse_numbers(epsilons) if epsilons else EPSILONS,
            source=source,
            calibrated=calibrated,
            options={name.removeprefix("attack_"): value for name, value in method_options(context.args).items()},
            on_examples=on_progress,
        )
    _print_attacks(result, [attack_name(name) for name in without_groups(names)])


def _print_attacks(result: RunResult, names: Sequence[str]) -> None:
    """Print the results of the named attacks, and what a reader must know to judge them."""
    table = Table(
        Column("attack", no_wrap=True),
        "texts",
        "accuracy %",
        "under attack %",
        "words changed %",
        Column("similarity", no_wrap=True),
        "queries",
        "forward passes",
        box=SIMPLE,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    text_attacks = [attack for attack in result.text_attacks if attack.attack in names]
    for attack in text_attacks:
        table.add_row(*_row(attack, attack.clean_accuracy, attack.accuracy))
    for curve in result.embedding_attacks:
        if curve.attack in names:
            table.add_row(*_row(curve, curve.values[0] if curve.epsilons[0] == 0 else None, curve.values[-1]))
    console.print(table)
    if any(attack.mark for attack in text_attacks):
        console.print("* the model was trained on such edits.")
    for attack in text_attacks:
        if attack.untouched:
            console.print(
                f"{attack.attack} could change nothing in {attack.untouched:,} of {attack.examples:,} "
                "texts: they count as robust.",
            )
    if unspaced := max((attack.unspaced or 0 for attack in text_attacks), default=0):
        console.print(
            f"{unspaced:,} of the texts are in scripts without spaces between words: in these scripts each run of "
            "letters up to a punctuation mark counts as one word, so the attack makes few changes and word counts are "
            "not meaningful."
        )
    for reason in result.masking_reasons:
        console.print(f"gradient masking suspected: {reason}", style="yellow")


def _row(attack: TextAttackRecord | RobustnessCurve, before: float | None, after: float) -> list[str]:
    """Return the row of an attack; `before` and `after` are accuracies."""
    from uegr.runs.text_attack_notes import cosine, percent

    return [
        attack.title + getattr(attack, "mark", ""),
        str(attack.examples),
        percent(before),
        percent(after),
        percent(getattr(attack, "words_changed", None)),
        cosine(getattr(attack, "similarity", None)),
        f"{attack.queries:.1f}",
        "–" if attack.cost is None else f"{attack.cost.forward_passes:.0f}",
    ]
