"""Attack a finished run with named attacks, and merge the results into its results.json."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from uegr.errors import UsageError
from uegr.evaluation.attacks.attack_registry import (
    Attack,
    attack_name,
    check_attack_options,
    check_named_once,
    create_attack,
    find_attack,
    without_groups,
)
from uegr.evaluation.attacks.attack_results import AttackOutcome
from uegr.evaluation.attacks.attack_summary import measure_embedding_attack, measure_text_attack, summary
from uegr.evaluation.attacks.embedding_attack import EmbeddingAttack, sorted_epsilons
from uegr.evaluation.attacks.text_attack import TextAttack
from uegr.evaluation.attacks.textattack.bridge import PREFIX, QUERY_BUDGET, attack_with_recipe, textattack_python
from uegr.evaluation.attacks.transfer_attack import Transfer
from uegr.evaluation.data_slices import Slices, slice_scores
from uegr.evaluation.evaluated_model import BATCH_SIZE
from uegr.evaluation.evaluator import EPSILONS
from uegr.evaluation.forward_clock import Clock
from uegr.evaluation.landscape.input_gradients import input_gradient_norms
from uegr.evaluation.misleading_gradients import gradient_masking
from uegr.evaluation.sentence_encoder import load_encoder
from uegr.evaluation.temperature import fit_temperature
from uegr.runs.attacked_texts import add_attacked_texts, text_row
from uegr.runs.finished_run import FinishedRun, open_measured_classifier, open_run, running_total
from uegr.runs.result_parts import RobustnessCurve, TextAttackRecord
from uegr.runs.run_result import RunResult
from uegr.runs.trained_edits import is_trained_on

Options = dict[str, Any]
Result = TypeVar("Result", TextAttackRecord, RobustnessCurve)
OnAttack = Callable[[str, int, int], None]
"""Called with the name of an attack, the number of examples done, and the number of all examples."""


def attack_run(
    folder: Path,
    names: Sequence[str | Attack],
    *,
    examples: int | None = 200,
    split: str = "test",
    epsilons: Sequence[float] = EPSILONS,
    source: Path | None = None,
    calibrated: bool = False,
    options: Options | None = None,
    batch_size: int = BATCH_SIZE,
    trust_remote_code: bool = False,
    on_examples: OnAttack = lambda name, done, total: None,
) -> RunResult:
    """Run the named attacks on examples of a split.

    Args:
        folder: a finished and measured run of a classifier.
        names: keys of `TEXT_ATTACKS` and `EMBEDDING_ATTACKS`, groups of perturbations such as "obfuscation", and
            "textattack:RECIPE"; or attacks themselves.
        examples: number of attacked examples; None attacks all.
        split: "test" or "validation".
        epsilons: radii of the attacks on embeddings.
        source: the run whose model computes the perturbations of "transfer".
        calibrated: the attacks on the text see the probabilities at the temperature that fits the model to its
            validation data: a search by probabilities is misled by a badly calibrated model (arXiv 2402.17509).
            Not with recipes of TextAttack, which load the model from its folder.
        options: options of the named attacks; each attack takes those that it has.
        batch_size: number of texts that the model reads at once.
        trust_remote_code: run the Python code of the run's folder, and of `source`.
        on_examples: called after each attacked batch.

    Returns:
        The run's result with the new attacks. Where an attack with gradients ran together with one without them,
        the part "gradient_masking" of its analysis is computed again.

    Raises:
        UsageError: an unknown attack or option, an attack that is named twice, `calibrated` with a recipe, or a run
            that was not measured or is not a classifier.
    """
    attacks, recipes = _attacks_and_recipes(names, options or {}, source, trust_remote_code)
    if calibrated and recipes:
        raise UsageError(
            f"'{recipes[0]}' loads the model from its folder, where it has no temperature: run it without --calibrated."
        )
    if recipes:
        textattack_python()
    run = open_measured_classifier(folder, "an attack", batch_size, trust_remote_code=trust_remote_code)
    model, label_names = run.evaluated_model, run.data.label_names
    rows, radii = run.rows(split, examples), sorted_epsilons(epsilons)
    clock = Clock(model, rows)
    if calibrated:
        model.temperature = _fitted_temperature(run)
    attacks_text = bool(recipes) or any(isinstance(attack, TextAttack) for attack in attacks)
    save_text_attack = partial(_save_text_attack, run, split, run.slices(rows) if attacks_text else {})
    robust_masks: dict[str, NDArray[np.bool_]] = {}
    for attack in attacks:  # each is saved at its end: a later one may fail or be stopped
        on_batch = running_total(partial(on_examples, attack.name), len(rows))
        if isinstance(attack, TextAttack):
            part, outcomes = measure_text_attack(model, rows, attack, label_names, clock, on_batch)
            save_text_attack({**part, "temperature": model.temperature if calibrated else None}, outcomes)
        else:
            part, robust_masks[attack.name] = measure_embedding_attack(model, rows, attack, radii, clock, on_batch)
            _save_curve(run, RobustnessCurve.from_dict({**part, "split": split}))
    for name in recipes:
        save_text_attack(*_measure_recipe(run, rows, name, clock))
    by_gradients = {attack.name for attack in attacks if isinstance(attack, EmbeddingAttack) and attack.uses_gradients}
    if masking := _masking(run, rows, radii, robust_masks, by_gradients):
        return run.update(lambda result: replace(result, analysis={**result.analysis, "gradient_masking": masking}))
    return run.result()


def _attacks_and_recipes(
    names: Sequence[str | Attack], options: Options, source: Path | None, trust: bool
) -> tuple[list[Attack], list[str]]:
    """Create the attacks that are given by name; recipes of TextAttack ("textattack:RECIPE") stay names.

    Raises:
        UsageError: no attack has one of the options, two attacks have the same name, or an attack lacks what it needs.
    """
    names = without_groups(names)
    recipes = [name for name in names if isinstance(name, str) and name.startswith(PREFIX)]
    others = [name for name in names if not isinstance(name, str) or not name.startswith(PREFIX)]
    is_transfer = any(isinstance(name, str) and attack_name(name) == Transfer.name for name in others)
    model = None if source is None or not is_transfer else open_run(source, trust_remote_code=trust).evaluated_model
    attacks = [create_attack(name, options, model) if isinstance(name, str) else find_attack(name) for name in others]
    check_attack_options(options, attacks)
    check_named_once([*(attack.name for attack in attacks), *recipes])
    for attack in attacks:
        attack.prepare()
    return attacks, recipes


def _fitted_temperature(run: FinishedRun) -> float:
    """Return the temperature that fits the model to its validation data."""
    probabilities, labels = run.evaluated_model.probabilities(run.rows("validation"))
    temperature = fit_temperature(np.log(probabilities.clip(1e-300)), labels)
    if temperature is None:
        raise UsageError(
            "the validation data cannot calibrate the model (too few texts, all of one class, or the model errs on "
            "none of them): leave out --calibrated, or calibrated of a grid."
        )
    return temperature


def _measure_recipe(
    run: FinishedRun, rows: Dataset, name: str, clock: Clock
) -> tuple[dict[str, Any], list[AttackOutcome]]:
    """Run a recipe of TextAttack on every row; the counterpart of `measure_text_attack`."""
    with clock.measure() as cost:
        outcomes = attack_with_recipe(run.evaluated_model, run.folder, rows, name.removeprefix(PREFIX))
    scores = summary(outcomes, run.data.label_names, load_encoder())
    return {"attack": name, "options": {"query_budget": QUERY_BUDGET}, **scores, "cost": cost}, outcomes


def _masking(
    run: FinishedRun,
    rows: Dataset,
    radii: list[float],
    robust_masks: dict[str, NDArray[np.bool_]],
    by_gradients: set[str],
) -> dict[str, Any] | None:
    """Return the test for gradient masking, where attacks with and without gradients ran on the same examples."""
    white_box = [mask for name, mask in robust_masks.items() if name in by_gradients]
    black_box = {name: mask for name, mask in robust_masks.items() if name not in by_gradients}
    if not white_box or not black_box:
        return None
    with Clock(run.evaluated_model, rows).measure() as cost:
        zero_share = float((input_gradient_norms(run.evaluated_model, rows) == 0).mean())
    return {**gradient_masking(radii, np.logical_and.reduce(white_box), black_box, zero_share), "cost": cost}


def _save_text_attack(
    run: FinishedRun, split: str, slices: Slices, part: dict[str, Any], outcomes: list[AttackOutcome]
) -> None:
    """Save what an attack on the text has measured, with the accuracy of each part of the data before and after."""
    scores = slice_scores(
        slices,
        clean_accuracy=np.array([outcome.correct for outcome in outcomes]),
        accuracy=np.array([outcome.robust for outcome in outcomes]),
    )
    trained_on = is_trained_on(part["attack"], run.record)
    attack = TextAttackRecord.from_dict({**part, "split": split, "trained_on": trained_on, "slices": scores})
    texts = {attack.key: [text_row(outcome, run.data.label_names) for outcome in outcomes]}

    def add(result: RunResult) -> RunResult:
        add_attacked_texts(run.folder, texts)
        return replace(result, text_attacks=_merged(result.text_attacks, attack))

    run.update(add)


def _save_curve(run: FinishedRun, curve: RobustnessCurve) -> None:
    """Save what an attack on the embeddings has measured."""
    run.update(lambda result: replace(result, embedding_attacks=_merged(result.embedding_attacks, curve)))


def _merged(former: list[Result], new: Result) -> list[Result]:
    """Return the former results and the new one, which replaces the former one of the same attack."""
    return [result for result in former if result.key != new.key] + [new]
