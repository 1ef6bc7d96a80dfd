"""Misspell words with typing errors, reproducibly."""

import random
from typing import Any, Literal, get_args

from uegr.perturb.perturbation import distinct
from uegr.perturb.words import WORD, changeable_length, characters_of

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


def neighbour_of(letter: str, generator: random.Random) -> str:
    """Return a key that touches the key of a letter, in the letter's case."""
    key = generator.choice(NEIGHBOURS[letter.lower()])
    return key.upper() if letter.isupper() else key


def misspell(word: str, error: TypingError, position: int, generator: random.Random) -> str:
    """Return the word with one typing error at the character `position`, 1 or above: the first one never changes.

    Where the error is not possible the character is left out instead: a character that is on no QWERTY key has no
    neighbour, and a word of two characters has no second one to swap. A swap of equal letters changes nothing.
    """
    characters = characters_of(word)
    if error == "swap" and len(characters) > 2:
        partner = position - 1 if position > 1 else position + 1
        characters[position], characters[partner] = characters[partner], characters[position]
    elif error == "double":
        characters.insert(position, characters[position])
    elif error == "neighbour" and characters[position].lower() in NEIGHBOURS:
        characters[position] = neighbour_of(characters[position], generator)
    else:
        del characters[position]
    return "".join(characters)


def random_misspellings(word: str, generator: random.Random) -> list[str]:
    """Return one random misspelling per kind of error, without duplicates; none for a word that is too short."""
    length = changeable_length(word)
    if not length:
        return []
    return distinct(word, [misspell(word, error, generator.randrange(1, length), generator) for error in TYPING_ERRORS])


def with_typos(text: str, rate: float, generator: random.Random) -> str:
    """Return the text with one typing error in each word of three characters or more with probability `rate`."""

    def replacement(match: Any) -> str:
        word: str = match.group()
        length = changeable_length(word)
        if not length or generator.random() >= rate:
            return word
        position = generator.randrange(1, length)
        return misspell(word, generator.choice(TYPING_ERRORS), position, generator)

    changed: str = WORD.sub(replacement, text)
    return changed
