"""Characters that no reader sees: zero-width spaces and joiners, soft hyphens."""

import random
from typing import ClassVar

from uegr.perturb.perturbation import WordPerturbation, distinct
from uegr.perturb.words import characters_of

INVISIBLE = ("\u200b", "\u200c", "\u2060", "\u00ad", "\ufeff")
"""Zero-width space, non-joiner, word joiner, soft hyphen, byte order mark."""


class InvisibleCharacters(WordPerturbation):
    """One invisible character inside a word, or one between all its characters."""

    name: ClassVar[str] = "invisible"

    def candidates(self, word: str, generator: random.Random) -> list[str]:
        characters = characters_of(word)
        if len(characters) < 2:
            return []
        mark, place = generator.choice(INVISIBLE), generator.randrange(1, len(characters))
        inside = "".join(characters[:place]) + mark + "".join(characters[place:])
        return distinct(word, [inside, mark.join(characters)])
