"""DeepWordBug as its authors and TextAttack's recipe DeepWordBugGao2018 run it (arXiv 1801.04354)."""

import random
import string
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from uegr.evaluation.attacks.attack_results import Texts
from uegr.evaluation.attacks.greedy_search import GreedyAttack
from uegr.evaluation.attacks.text_search import Request
from uegr.perturb.natural_misspellings import edits
from uegr.perturb.perturbation import distinct
from uegr.perturb.words import FUNCTION_WORDS

MOST_EDITS = 30
"""Largest Levenshtein distance to the original text, as published; a swap of two letters counts 2."""


@dataclass(frozen=True)
class PublishedDeepWordBug(GreedyAttack):
    """Per word four edits at random places: two letters swapped, one replaced, one left out, one put in.

    A word matters as much as the probability of the correct class falls when "[UNK]" stands in its place. Any number of
    words may change, each only if that probability falls; function words stay.
    """

    max_share: float = 1.0

    name: ClassVar[str] = "deepwordbug-published"
    placeholder: ClassVar[str] = "[UNK]"

    def candidates(self, word: str, generator: random.Random) -> Sequence[str]:
        if word.lower() in FUNCTION_WORDS or len(word) < 2:
            return ()
        swap = generator.randrange(len(word) - 1)
        other, out, inside = (generator.randrange(len(word)) for _ in range(3))
        first, second = (generator.choice(string.ascii_letters) for _ in range(2))
        candidates = [
            word[:swap] + word[swap + 1] + word[swap] + word[swap + 2 :],
            word[:other] + first + word[other + 1 :],
            word[:out] + word[out + 1 :],
            word[:inside] + second + word[inside:],
        ]
        return distinct(word, candidates)

    def importance(
        self, texts: Texts, without: list[Texts], label: int
    ) -> Generator[Request, NDArray[np.float64], tuple[NDArray[np.float64], float]]:
        original, *others = yield Request([texts, *without])
        return np.array([original[label] - other[label] for other in others]), float(original[label])

    def fits(self, words: Sequence[str], replacements: Mapping[int, str]) -> bool:
        return sum(edits(words[i], word, swap=2) for i, word in replacements.items()) <= MOST_EDITS
