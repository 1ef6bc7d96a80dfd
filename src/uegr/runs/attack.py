"""Attack a finished run with attacks that have a name, and merge what comes out into its results.json."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from uegr.errors import UsageError, unknown
from uegr.evaluation.attacks.attack_registry import WHITE_BOX, Attack, attack_class, attack_name
from uegr.evaluation.attacks.attack_summary import summary
from uegr.evaluation.attacks.embedding_attack import Queries, sorted_epsilons
from uegr.evaluation.attacks.text_attack import TextAttack, attack_texts
from uegr.evaluation.attacks.textattack.bridge import PREFIX, QUERY_BUDGET, attack_with_recipe
from uegr.evaluation.attacks.transfer_attack import Transfer
from uegr.evaluation.evaluator import EPSILONS
from uegr.evaluation.forward_clock import Clock
from uegr.evaluation.landscape.input_gradients import input_gradient_norms
from uegr.evaluation.masking_test import gradient_masking
from uegr.evaluation.robustness import describe, robust_mask
from uegr.evaluation.sentence_encoder import load_encoder
from uegr.runs.finished_run import FinishedRun, open_run

Report = Callable[[str, int, int], None]
Options = dict[str, Any]


def attack(
    folder: Path,
    names: Sequence[str | Attack],
    *,
    examples: int | None = 200,
    split: str = "test",
    epsilons: Sequence[float] = EPSILONS,
    source: Path | None = None,
    options: Options | None = None,
    on_examples: Report = lambda what, done, total: None,
) -> dict[str, Any]:
    """Run the named attacks on examples of a split.

    Args:
        folder: a finished and measured run of a classifier.
        names: keys of `TEXT_ATTACKS` and `EMBEDDING_ATTACKS`, and "textattack:RECIPE"; or attacks themselves.
        examples: attack so many; None attacks all.
        split: "test" or "validation".
        epsilons: radii of the attacks on embeddings.
        source: the run whose model makes the perturbations of "transfer".
        options: of the attacks that are named; each takes those that it knows.
        on_examples: told which attack has done how many examples, of how many.

    Returns:
        The run's entry of results.json, with the new results in it. Where an attack that sees gradients ran beside
        one that sees none, the part "gradient_masking" of its analysis is renewed.

    Raises:
        UsageError: an unknown attack or option, or a run that was not measured or is no classifier.
    """
    recipes: list[str] = []
    attacks: list[Attack] = []
    for name in names:
        if not isinstance(name, str):
            attacks.append(name)
        elif name.startswith(PREFIX):
            recipes.append(name.removeprefix(PREFIX))
        else:
            attacks.append(build(name, options or {}, source))
    refuse_unknown(options or {}, attacks)
    run = open_run(folder)
    run.results()
    if run.data.kind != "classification":
        raise UsageError(f"these attacks are made for classifiers, and '{folder}' is one of {run.data.kind}.")
    rows, radii = run.rows(split, examples), sorted_epsilons(epsilons)
    clock = Clock(run.subject, rows)
    texts: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    alive: dict[str, NDArray[np.bool_]] = {}
    for one in attacks:
        done = 0

        def tell(count: int, name: str = one.name) -> None:
            nonlocal done
            done += count
            on_examples(name, done, len(rows))

        if isinstance(one, TextAttack):
            texts.append({**_text(run, rows, one, clock, tell), "split": split})
        else:
            queries = Queries()
            with clock.measure() as cost:
                alive[one.name] = robust_mask(run.subject, rows, radii, one, tell, queries)
            part = {**describe(one, radii, alive[one.name]), "queries": queries.count / len(rows)}
            curves.append({**part, "split": split, "cost": cost})
    for recipe in recipes:
        with clock.measure() as cost:
            outcomes = attack_with_recipe(run.subject, folder, rows, recipe)
        part = {"attack": PREFIX + recipe, "options": {"query_budget": QUERY_BUDGET}, "cost": cost, "split": split}
        texts.append({**part, **summary(outcomes, run.data.label_names, load_encoder())})
    masking = _masking(run, rows, radii, alive)

    def change(entry: dict[str, Any]) -> dict[str, Any]:
        merged = {**entry}
        for name, new in (("text_attacks", texts), ("embedding_attacks", curves)):
            if new:
                merged[name] = [*_others(entry.get(name, []), new), *new]
        if masking:
            merged["analysis"] = {**entry.get("analysis", {}), "gradient_masking": masking}
        return merged

    return run.update_results(change)


def build(name: str, options: Options, source: Path | None = None) -> Attack:
    """An attack by name, with those of the options that it knows."""
    kind = attack_class(name)
    given = {key: value for key, value in options.items() if key in option_names(kind)}
    if kind is Transfer and source is not None:
        given["source"] = open_run(source).subject
    return kind(**given)


def option_names(kind: type[Attack]) -> set[str]:
    """What an attack can be told."""
    return {one.name for one in fields(kind)}


def refuse_unknown(options: Options, attacks: Sequence[Attack]) -> None:
    """Raise a UsageError where none of the attacks knows one of the options."""
    names = {name for one in attacks for name in option_names(type(one))}
    for option in options:
        if option not in names:
            raise unknown("option of these attacks", option, sorted(names - {"source"}))


def _text(
    run: FinishedRun, rows: Dataset, one: TextAttack, clock: Clock, on_batch: Callable[[int], None]
) -> dict[str, Any]:
    encoder = load_encoder()
    with clock.measure() as cost:
        outcomes = attack_texts(run.subject, rows, one, encoder, on_batch)
    options = one.options()
    if encoder is None and "similarity" in options:
        options["similarity"] = None
    found = summary(outcomes, run.data.label_names, encoder)
    return {"attack": one.name, "options": options, **found, "cost": cost}


def _masking(
    run: FinishedRun, rows: Dataset, radii: list[float], alive: dict[str, NDArray[np.bool_]]
) -> dict[str, Any] | None:
    """The flag, where attacks with and without gradients ran on the same examples."""
    seeing = [alive[name] for name in WHITE_BOX if name in alive]
    blind = {name.replace("random-search", "black_box"): one for name, one in alive.items() if name not in WHITE_BOX}
    if not seeing or not blind:
        return None
    clock = Clock(run.subject, rows)
    with clock.measure() as cost:
        zero = float((input_gradient_norms(run.subject, rows) == 0).mean())
    return {**gradient_masking(radii, np.logical_and.reduce(seeing), blind, zero), "cost": cost}


def _others(former: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = {one["attack"] for one in new}
    return [one for one in former if attack_name(one["attack"]) not in names]
