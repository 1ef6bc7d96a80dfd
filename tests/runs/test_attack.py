from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from uegr.errors import UsageError
from uegr.evaluation.attacks.attack_registry import Attack, check_attack_options, create_attack
from uegr.evaluation.attacks.perturbation_attack import PERTURBATION_ATTACKS
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.attacks.random_search import RandomSearch
from uegr.evaluation.attacks.synonym_swap import SynonymSwap
from uegr.runs.attack import attack_run
from uegr.runs.attacked_texts import read_attacked_texts
from uegr.runs.result_parts import TextAttackRecord
from uegr.runs.results_json import read_results
from uegr.runs.text_attack_groups import comparison_key, distinct_names


def test_attacks_may_be_objects_and_replace_their_former_results(evaluated_run: Path) -> None:
    before = read_results(evaluated_run)[0]
    counts: list[tuple[str, int, int]] = []
    strong, weak = PGD(steps=3, restarts=1), PGD(steps=1, restarts=1)
    attack_run(evaluated_run, [strong, "typos"], examples=5, epsilons=(0.0, 0.05))
    result = attack_run(
        evaluated_run,
        [weak],
        examples=6,
        epsilons=(0.05, 0.0),
        on_examples=lambda name, done, total: counts.append((name, done, total)),
    )
    (curve,) = result.embedding_attacks
    assert (curve.steps, curve.examples, curve.epsilons) == (1, 6, [0.0, 0.05])
    assert curve.options == {"seed": 0}
    assert curve.queries is not None
    assert [attack.attack for attack in result.text_attacks] == ["typos"]
    assert (result.metrics, result.robustness) == (before.metrics, before.robustness)
    assert result == read_results(evaluated_run)[0]
    assert counts[-1] == ("pgd", 6, 6)


def test_an_attack_takes_the_options_it_has() -> None:
    options = {"steps": 7, "rate": 0.2}
    attacks = [create_attack(name, options) for name in ("pgd", "typos")]
    assert (attacks[0].steps, attacks[1].rate) == (7, 0.2)  # type: ignore[union-attr]
    check_attack_options(options, attacks)
    with pytest.raises(UsageError, match="option of these attacks"):
        check_attack_options({"rate": 0.2}, attacks[:1])


def test_an_option_of_several_attacks_goes_to_those_in_which_it_has_an_effect() -> None:
    options = {"max_share": 0.4, "similarity": 0.7}
    attacks = [create_attack(name, options) for name in ("typos", "deepwordbug")]
    assert "max_share" not in attacks[0].options() and attacks[1].options() == {"seed": 0, **options}
    check_attack_options(options, attacks)
    with pytest.raises(UsageError, match="max_share has no effect with search_by=worst: leave it out"):
        check_attack_options(options, attacks[:1])


def test_results_of_earlier_versions_hold_options_without_effect() -> None:
    new = {"seed": 0, "search_by": "random", "rate": 0.3}
    old = {**new, "max_share": 0.3, "similarity": 0.0, "tries": 5}
    other = {**new, "rate": 0.5}
    records = [TextAttackRecord(attack="typos", accuracy=0.5, options=options) for options in (old, new, other)]
    assert comparison_key(records[0]) == comparison_key(records[1]) != comparison_key(records[2])
    names = distinct_names([records[0], records[2]], lambda record: record.attack)
    assert names == ["typos (rate 0.3)", "typos (rate 0.5)"]
    assert PERTURBATION_ATTACKS["typos"](search_by="random").options() == new


def test_validation_and_test_data_have_results_of_their_own(evaluated_run: Path) -> None:
    attack_run(evaluated_run, ["typos"], examples=3)
    result = attack_run(evaluated_run, ["typos"], examples=2, split="validation")
    assert [(attack.split, attack.examples) for attack in result.text_attacks] == [("test", 3), ("validation", 2)]
    assert set(read_attacked_texts(evaluated_run)) == {"typos", "typos on validation data"}


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [("typos", {"rate": "abc"}, "rate must be a number"), ("pgd", {"steps": 1.5}, "steps must be a whole number")],
)
def test_an_option_of_another_type_is_refused(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        create_attack(name, options)


def test_two_attacks_of_one_name_are_refused(evaluated_run: Path) -> None:
    with pytest.raises(UsageError, match="'pgd' is named twice"):
        attack_run(evaluated_run, [PGD(steps=3, restarts=1), "pgd"], examples=5)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["typos", SynonymSwap(synonyms="ppdb")], "the synonym table ppdb is not on this machine"),
        (["typos", "transfer"], "needs another run to make its perturbations on"),
        (["typos", "textattack:textfooler"], "TextAttack needs a separate environment"),
    ],
)
def test_what_an_attack_needs_is_checked_before_the_first(
    names: list[str | Attack], message: str, evaluated_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("UEGR_DATA", "UEGR_TEXTATTACK_PYTHON"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(UsageError, match=message):
        attack_run(evaluated_run, names, examples=4)
    assert not read_results(evaluated_run)[0].text_attacks


def test_a_curve_names_its_data(evaluated_run: Path) -> None:
    for split in ("test", "validation"):
        result = attack_run(evaluated_run, [PGD(steps=1, restarts=1)], examples=3, split=split)
    titles = [curve.title for curve in result.embedding_attacks]
    assert titles[-2:] == ["pgd", "pgd on validation data"]
    assert replace(result.embedding_attacks[-1], attack="embedding-pgd").title == titles[-1], "its former name"


@dataclass(frozen=True)
class OwnAscent(PGD):
    """An attack of one's own that differentiates, as all do that do not say otherwise."""

    name = "own-ascent"


@dataclass(frozen=True)
class OwnGuess(RandomSearch):
    name = "own-guess"


def test_an_attack_of_ones_own_says_whether_it_uses_gradients(evaluated_run: Path) -> None:
    attacks = [OwnAscent(steps=1, restarts=1), OwnGuess(steps=1)]
    masking = attack_run(evaluated_run, attacks, examples=4, epsilons=(0.0, 0.05)).analysis["gradient_masking"]
    assert "own-guess" in masking and "own-ascent" not in masking, "the one of the white box"
