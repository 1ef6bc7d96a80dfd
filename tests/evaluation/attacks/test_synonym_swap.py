"""Where synonyms come from."""

from __future__ import annotations

import random

import pytest

from uegr.evaluation.attacks.synonym_swap import SynonymSwap
from uegr.evaluation.evaluated_model import EvaluatedModel


def test_synonyms_come_from_the_named_table(evaluated: EvaluatedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UEGR_DATA", raising=False)
    attack = SynonymSwap(most=3)
    assert attack.options()["synonyms"] == "wordnet"
    candidates = attack.candidates("film", random.Random(0))
    assert 0 < len(candidates) <= 3
