"""Deletion of the words that matter: the accuracy of a model that ignores misspelt words.

A model that is robust to misspellings only because it ignores the words that it does not know has about the accuracy
under this attack; one that reads them has a higher one. DeepWordBug leaves words of one and two letters as they are,
so this accuracy is not a strict bound.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from uegr.evaluation.attacks.greedy_search import GreedyAttack


@dataclass(frozen=True)
class Deletion(GreedyAttack):
    """Deletes words in the order in which they matter, until the model is wrong or `max_share` of them are deleted."""

    name: ClassVar[str] = "deletion"

    def candidates(self, word: str, generator: random.Random) -> Sequence[str]:
        return [""]
