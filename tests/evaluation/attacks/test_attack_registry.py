"""Attacks by name."""

from __future__ import annotations

import pytest

from uegr.errors import UsageError
from uegr.evaluation import attacks
from uegr.evaluation.attacks.attack_registry import EMBEDDING_ATTACKS, TEXT_ATTACKS, attack_class, attack_name


def test_names_of_every_spelling() -> None:
    assert attack_class("pgd") is attacks.PGD
    assert attack_class("auto_pgd") is attack_class("auto-pgd") is attacks.AutoPGD
    assert attack_name("textattack:A_B") == "textattack:A_B"
    with pytest.raises(UsageError, match="did you mean 'random-search'"):
        attack_class("random-serch")


def test_every_named_attack_is_public() -> None:
    for kind in (*EMBEDDING_ATTACKS.values(), *TEXT_ATTACKS.values()):
        assert getattr(attacks, kind.__name__) is kind and kind.__name__ in attacks.__all__
