"""Synonyms in place of words, at random."""

import random
from functools import cache
from typing import ClassVar

from uegr.perturb.perturbation import WordPerturbation, distinct
from uegr.perturb.synonyms import Synonyms, load_synonyms


class Rewording(WordPerturbation):
    """Words become a synonym of the best table on this machine; the view "words" makes the same edit."""

    name: ClassVar[str] = "reworded"

    def prepare(self) -> None:
        _synonyms()

    def candidates(self, word: str, generator: random.Random) -> list[str]:
        return distinct(word, list(_synonyms()(word)))


@cache
def _synonyms() -> Synonyms:
    return load_synonyms()
