"""Case: "FREE", "fReE", and lower case only."""

import random
from typing import ClassVar

from uegr.perturb.perturbation import WordPerturbation, distinct


class LetterCase(WordPerturbation):
    """A word in upper case, in lower case, or in both alternately."""

    name: ClassVar[str] = "case"

    def candidates(self, word: str, generator: random.Random) -> list[str]:
        first = generator.randrange(2)
        alternating = "".join(letter.upper() if (i + first) % 2 else letter.lower() for i, letter in enumerate(word))
        return distinct(word, [word.upper(), word.lower(), alternating])
