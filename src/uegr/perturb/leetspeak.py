"""Digits and signs for letters: "fr33", "c@sh"."""

import random
from typing import ClassVar

from uegr.perturb.perturbation import WordPerturbation, distinct

DIGITS = str.maketrans("aeiostbgAEIOSTBG", "4310578943105789")
SIGNS = str.maketrans("asilASIL", "@$!|@$!|")


class Leetspeak(WordPerturbation):
    """One letter, or all letters, of a word become a digit or a sign."""

    name: ClassVar[str] = "leetspeak"

    def candidates(self, word: str, generator: random.Random) -> list[str]:
        places = [i for i, letter in enumerate(word) if ord(letter) in DIGITS]
        if not places:
            return distinct(word, [word.translate(SIGNS)])
        place = generator.choice(places)
        one_letter = word[:place] + word[place].translate(DIGITS) + word[place + 1 :]
        return distinct(word, [one_letter, word.translate(DIGITS), word.translate(SIGNS)])
