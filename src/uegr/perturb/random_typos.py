"""Typing errors at random: a neighbouring key, two letters swapped, one left out, one doubled."""

import random
from typing import ClassVar

from uegr.perturb.perturbation import WordPerturbation
from uegr.perturb.typing_errors import random_misspellings, with_typos


class RandomTypos(WordPerturbation):
    """One typing error in a word of three letters or more; the first letter stays."""

    name: ClassVar[str] = "typos"

    def candidates(self, word: str, generator: random.Random) -> list[str]:
        return random_misspellings(word, generator)

    def __call__(self, text: str, rate: float, generator: random.Random) -> str:
        return with_typos(text, rate, generator)
