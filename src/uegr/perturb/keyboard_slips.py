"""Slips of the finger: a neighbouring key is hit instead of the right one, or together with it."""

import random
from typing import ClassVar

from uegr.perturb.perturbation import WordPerturbation, distinct
from uegr.perturb.typing_errors import NEIGHBOURS, neighbour_of
from uegr.perturb.words import characters_of


class KeyboardSlips(WordPerturbation):
    """One neighbouring key of a QWERTY keyboard in a word, at any place, the first letter included."""

    name: ClassVar[str] = "slips"

    def candidates(self, word: str, generator: random.Random) -> list[str]:
        characters = characters_of(word)
        places = [i for i, letter in enumerate(characters) if letter.lower() in NEIGHBOURS]
        if not places or len(characters) < 2:
            return []
        place = generator.choice(places)
        key = neighbour_of(characters[place], generator)
        before, letter, after = characters[:place], characters[place], characters[place + 1 :]
        return distinct(word, ["".join([*before, *typed, *after]) for typed in ([key], [letter, key])])
