"""The summary of a text attack's outcomes."""

from __future__ import annotations

from base64 import b64decode

import numpy as np
import pytest

from uegr.evaluation.attacks.attack_results import AttackOutcome
from uegr.evaluation.attacks.attack_summary import summary


def test_the_summary_counts_what_the_outcomes_say() -> None:
    def one(right: bool, after: tuple[str] | None) -> AttackOutcome:
        return AttackOutcome(("a fine film",), 1, right, after, 0, 10)

    found = summary([one(True, None), one(True, ("a dull film",)), one(False, None), one(True, None)], ["bad", "good"])
    assert (found["clean_accuracy"], found["accuracy"]) == (0.75, 0.5)
    assert found["success_rate"] == pytest.approx(1 / 3)
    assert found["words_changed"] == pytest.approx(1 / 3)
    assert found["similarity"] is None
    assert found["samples"] == [{"label": "good", "before": "a fine film", "after": "a dull film", "predicted": "bad"}]
    bits = np.unpackbits(np.frombuffer(b64decode(found["outcomes"]), dtype=np.uint8), count=4)
    assert bits.tolist() == [1, 0, 0, 1]
