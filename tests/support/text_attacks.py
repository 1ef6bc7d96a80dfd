"""A text attack that must succeed on the models of the tests, and what is counted of its outcomes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conftest import BAD, GOOD
from uegr.evaluation.attacks.attack_results import AttackOutcome
from uegr.evaluation.attacks.greedy_search import GreedyAttack


@dataclass(frozen=True)
class Opposites(GreedyAttack):
    """Every good word may become a bad one, and the other way round."""

    name = "opposites"

    def candidates(self, word: str, generator: random.Random) -> Sequence[str]:
        return BAD if word in GOOD else GOOD if word in BAD else []


def robust_share(outcomes: Sequence[AttackOutcome]) -> float:
    """Share of the examples that are right before and after the attack."""
    return float(np.mean([outcome.robust for outcome in outcomes]))
