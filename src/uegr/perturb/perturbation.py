"""The base of all perturbations of text: they change a share of the words, or of the possible places, of a text.

Each is a kind of text that people really send. As an attack it is applied at random, as the worst of several attempts,
or greedily, word by word (`uegr.evaluation.attacks.perturbation_attack`).
"""

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from uegr.perturb.words import WORD

DRAWS = 8
"""Number of attempts at the largest rate before a text counts as one that cannot be changed."""


class Perturbation(ABC):
    """One kind of change."""

    name: ClassVar[str]

    def prepare(self) -> None:
        """Load the lists that the perturbation needs, so that a missing list is reported before any work begins.

        Raises:
            UsageError: a list is not on this machine.
        """

    @abstractmethod
    def __call__(self, text: str, rate: float, generator: random.Random) -> str:
        """Change a text.

        Args:
            text: any text.
            rate: probability of a change per word, or per place where one is possible, in (0, 1].
            generator: source of the random choices.
        """

    def can_change(self, text: str, generator: random.Random) -> bool:
        """Whether one of `DRAWS` attempts with rate 1 changes the text.

        False for scripts that the perturbation does not cover.
        """
        return any(self(text, 1.0, generator) != text for _ in range(DRAWS))  # a swap of equal letters changes nothing


class WordPerturbation(Perturbation):
    """A change of single words."""

    @abstractmethod
    def candidates(self, word: str, generator: random.Random) -> list[str]:
        """Other ways to write a word, all different from it; empty where it must stay."""

    def __call__(self, text: str, rate: float, generator: random.Random) -> str:
        def replacement(match: Any) -> str:
            word: str = match.group()
            if generator.random() >= rate:
                return word
            candidates = self.candidates(word, generator)
            return generator.choice(candidates) if candidates else word

        changed: str = WORD.sub(replacement, text)
        return changed


def translations(word: str, table: Mapping[int, int], generator: random.Random) -> list[str]:
    """The word with one random letter, and with all letters, translated; empty if the table has none of its letters."""
    places = [i for i, letter in enumerate(word) if ord(letter) in table]
    if not places:
        return []
    place = generator.choice(places)
    return [word[:place] + word[place].translate(table) + word[place + 1 :], word.translate(table)]


def distinct(word: str, candidates: list[str]) -> list[str]:
    """The candidates that differ from the word and from each other, in order."""
    return [candidate for candidate in dict.fromkeys(candidates) if candidate != word]
