"""Slips of the finger: a neighbouring key is hit instead of the right one, or together with it."""

import random
from typing import ClassVar

from uegr.perturb.misspellings import NEIGHBOURS
from uegr.perturb.perturbation import WordPerturbation, distinct


class KeyboardSlips(WordPerturbation):
    """One neighbouring key of a QWERTY keyboard in a word, at any place, the first letter included."""

    name: ClassVar[str] = "slips"

    def candidates(self, word: str, generator: random.Random) -> list[str]:
        places = [i for i, letter in enumerate(word) if letter.lower() in NEIGHBOURS]
        if not places or len(word) < 2:
            return []
        place = generator.choice(places)
        key = generator.choice(NEIGHBOURS[word[place].lower()])
        return distinct(word, [word[:place] + key + word[place + 1 :], word[: place + 1] + key + word[place + 1 :]])
