"""Letters apart: "f r e e", "f.r.e.e"."""

import random
from typing import ClassVar

from uegr.perturb.perturbation import WordPerturbation, distinct
from uegr.perturb.words import characters_of

SEPARATORS = (" ", ".", "-", "_", "*")


class SpacedLetters(WordPerturbation):
    """A separator between all characters of a word."""

    name: ClassVar[str] = "spaced"

    def candidates(self, word: str, generator: random.Random) -> list[str]:
        characters = characters_of(word)
        separators = (" ", generator.choice(SEPARATORS[1:]))
        return distinct(word, [separator.join(characters) for separator in separators])
