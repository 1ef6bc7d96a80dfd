"""Misspellings of the words that matter, after DeepWordBug (Gao et al. 2018, arXiv 1801.04354)."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from uegr.evaluation.attacks.greedy_search import GreedyAttack
from uegr.perturb.typing_errors import random_misspellings


@dataclass(frozen=True)
class DeepWordBug(GreedyAttack):
    """Per word, one random misspelling of each kind is tried: a neighbouring key, a swap, a letter dropped or doubled.

    The first letter and words of fewer than three letters stay [ours: the paper substitutes and inserts any letter, and
    orders the words by scores of its own].
    """

    name: ClassVar[str] = "deepwordbug"

    def candidates(self, word: str, generator: random.Random) -> Sequence[str]:
        return random_misspellings(word, generator)
