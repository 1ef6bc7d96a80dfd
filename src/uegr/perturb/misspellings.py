"""Misspell words with typing errors, reproducibly."""

import random
import re
from typing import Literal, get_args

from uegr.perturb.words import WORD

_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def _touching_keys(row: int, column: int) -> str:
    """Return the keys that touch a key; each row of keys is shifted by half a key against the row above."""
    position = column + row / 2
    return "".join(
        key
        for key_row, keys in enumerate(_KEYBOARD)
        for key_column, key in enumerate(keys)
        if key != _KEYBOARD[row][column] and abs(key_row - row) <= 1 and abs(key_column + key_row / 2 - position) <= 1
    )


NEIGHBOURS: dict[str, str] = {
    key: _touching_keys(row, column) for row, keys in enumerate(_KEYBOARD) for column, key in enumerate(keys)
}
"""For each key of a QWERTY keyboard the keys that touch it."""

TypingError = Literal["neighbour", "swap", "drop", "double"]
"""A neighbouring key is hit, two letters are swapped, one letter is left out, one letter is typed twice."""
TYPING_ERRORS: tuple[TypingError, ...] = get_args(TypingError)
SHORTEST = 3
"""Words with fewer letters are not changed: they would become unreadable."""


def misspell(word: str, error: TypingError, position: int, generator: random.Random) -> str:
    """Return the word with one typing error at the letter `position`, 1 or above: the first letter never changes.

    A swap of equal letters, and a neighbour of a letter that is on no QWERTY key, do not change the word.
    """
    letters = list(word)
    if error == "swap":
        partner = position - 1 if position > 1 else position + 1
        letters[position], letters[partner] = letters[partner], letters[position]
    elif error == "drop":
        del letters[position]
    elif error == "double":
        letters.insert(position, letters[position])
    else:
        letters[position] = generator.choice(NEIGHBOURS.get(letters[position].lower(), letters[position]))
    return "".join(letters)


def random_misspellings(word: str, generator: random.Random) -> list[str]:
    """Return one random misspelling per kind of error, without duplicates; none for a word below three letters."""
    if len(word) < SHORTEST:
        return []
    misspelt = (misspell(word, error, generator.randrange(1, len(word)), generator) for error in TYPING_ERRORS)
    return [candidate for candidate in dict.fromkeys(misspelt) if candidate != word]


def with_typos(text: str, rate: float, generator: random.Random) -> str:
    """Return the text with one typing error in each word of three letters or more with probability `rate`."""

    def replacement(match: re.Match[str]) -> str:
        word = match.group()
        if len(word) < SHORTEST or generator.random() >= rate:
            return word
        position = generator.randrange(1, len(word))
        return misspell(word, generator.choice(TYPING_ERRORS), position, generator)

    return WORD.sub(replacement, text)
