"""Attacks by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from uegr.errors import UsageError
from uegr.evaluation import attacks
from uegr.evaluation.attacks.attack_registry import (
    EMBEDDING_ATTACKS,
    TEXT_ATTACKS,
    attack_class,
    attack_name,
    without_groups,
)


def test_names_of_every_spelling() -> None:
    assert attack_class("pgd") is attacks.PGD
    assert attack_class("auto_pgd") is attack_class("auto-pgd") is attacks.AutoPGD
    assert attack_name("textattack:A_B") == "textattack:A_B"
    with pytest.raises(UsageError, match="did you mean 'random-search'"):
        attack_class("random-serch")


def test_a_group_stands_for_its_members() -> None:
    members = ["homoglyphs", "invisible", "spaced", "leetspeak", "signs"]
    own = attacks.PGD()
    assert without_groups(["pgd", "obfuscation", own]) == ["pgd", *members, own]
    assert set(members) < TEXT_ATTACKS.keys()
    with pytest.raises(UsageError, match="did you mean 'obfuscation'"):
        attack_class("obfuscations")


def test_every_named_attack_is_public() -> None:
    for kind in (*EMBEDDING_ATTACKS.values(), *TEXT_ATTACKS.values()):
        assert getattr(attacks, kind.__name__) is kind and kind.__name__ in attacks.__all__


@pytest.mark.parametrize(
    ("attack", "options", "message"),
    [
        (attacks.AutoPGD, {"loss": "CE"}, "unknown loss 'CE': choose one of ce, margin"),
        (attacks.PGD, {"norm": "L2"}, "unknown norm 'L2'"),
        (attacks.PGD, {"steps": 1.5}, "steps must be a whole number, not 1.5"),
        (attacks.PGD, {"relative": "no"}, "relative must be True or False, not 'no'"),
        (attacks.RandomSearch, {"seed": None}, "seed must be a whole number, not None"),
        (attacks.DeepWordBug, {"max_share": "a"}, "max_share must be a number, not 'a'"),
        (attacks.SynonymSwap, {"most": 2.5}, "most must be a whole number, not 2.5"),
    ],
)
def test_an_option_of_the_wrong_type_is_refused(attack: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        attack(**options)


def test_numbers_of_numpy_become_pythons_own() -> None:
    options = attacks.PGD(steps=np.int64(3)).options()  # type: ignore[arg-type]
    assert type(options["steps"]) is int and options["steps"] == 3


def test_an_attack_of_ones_own_may_have_any_further_option() -> None:
    @dataclass(frozen=True)
    class Own(attacks.PGD):
        schedule: "NotImportedAtRunTime" = None  # type: ignore[name-defined]  # noqa: F821, UP037

    assert Own(schedule=max).steps == 5
