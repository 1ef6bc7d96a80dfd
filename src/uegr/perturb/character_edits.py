"""Random edits of single characters, for training: a neighbour, a swap, one left out, doubled, put in or replaced."""

import random
import string
from typing import ClassVar

from uegr.perturb.perturbation import WordPerturbation, distinct
from uegr.perturb.typing_errors import TYPING_ERRORS, misspell
from uegr.perturb.words import changeable_length, characters_of

FIRST_LETTER = 0.1
"""Share of the edits that are made at any letter; the others leave the first letter of the word as it is [ours]."""
SECOND_EDIT = 0.2
"""Share of the words with a second edit [ours]."""


class CharacterEdits(WordPerturbation):
    """One or two edits of a character in a word of three letters or more, mostly inside it."""

    name: ClassVar[str] = "characters"

    def candidates(self, word: str, generator: random.Random) -> list[str]:
        edited = word
        for _ in range(2 if generator.random() < SECOND_EDIT else 1):
            length = changeable_length(edited)
            if length:
                first = 0 if generator.random() < FIRST_LETTER else 1
                edited = _edited(edited, generator.randrange(first, length), generator)
        return distinct(word, [edited])


def _edited(word: str, position: int, generator: random.Random) -> str:
    """The word with one edit at a character; the first one is left out, replaced, or has a letter put in before it."""
    kind = generator.choice((*TYPING_ERRORS, "insert", "substitute"))
    if kind in TYPING_ERRORS and position > 0:
        return misspell(word, kind, position, generator)
    characters = characters_of(word)
    letter = generator.choice(string.ascii_lowercase)
    if kind in ("drop", "substitute"):
        characters[position] = "" if kind == "drop" else letter
    else:
        characters.insert(position, letter)
    return "".join(characters)
