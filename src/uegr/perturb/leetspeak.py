"""Digits and symbols for letters: "fr33", "c@sh"."""

import random
from typing import ClassVar

from uegr.perturb.perturbation import WordPerturbation, distinct, translations

DIGITS = str.maketrans("aeiostbgAEIOSTBG", "4310578943105789")
SYMBOLS = str.maketrans("asilASIL", "@$!|@$!|")


class Leetspeak(WordPerturbation):
    """One letter, or all letters, of a word become a digit or a symbol."""

    name: ClassVar[str] = "leetspeak"

    def candidates(self, word: str, generator: random.Random) -> list[str]:
        return distinct(word, [*translations(word, DIGITS, generator), word.translate(SYMBOLS)])
