"""Typing errors: what a hurried hand does to a word, reproducibly."""

from __future__ import annotations

import random
import re
from typing import Literal, get_args

from uegr.perturb.words import WORD

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
NEIGHBOURS: dict[str, str] = {
    key: "".join(
        other
        for near, line in enumerate(_ROWS)
        for at, other in enumerate(line)
        if other != key and abs(near - row) <= 1 and abs(at + near / 2 - column - row / 2) <= 1
    )
    for row, keys in enumerate(_ROWS)
    for column, key in enumerate(keys)
}
"""Keys that touch each key of a QWERTY keyboard, whose rows are shifted by half a key."""

Slip = Literal["neighbour", "swap", "drop", "double"]
"""A neighbouring key is hit, two letters change places, one is left out, one is typed twice."""
SLIPS: tuple[Slip, ...] = get_args(Slip)
SHORTEST = 3
"""Words below this length stay: an error in them leaves too little to read."""


def misspelt(word: str, slip: Slip, at: int, generator: random.Random) -> str:
    """The word with one typing error of that kind at letter `at`, 1 or above: the first letter stays.

    A swap of equal letters, and a neighbour of a letter that is on no QWERTY key, leave the word as it is.
    """
    letters = list(word)
    if slip == "swap":
        other = at - 1 if at > 1 else at + 1
        letters[at], letters[other] = letters[other], letters[at]
    elif slip == "drop":
        del letters[at]
    elif slip == "double":
        letters.insert(at, letters[at])
    else:
        letters[at] = generator.choice(NEIGHBOURS.get(letters[at].lower(), letters[at]))
    return "".join(letters)


def misspellings(word: str, generator: random.Random) -> list[str]:
    """One random misspelling of each kind, without repeats: four at most, none for a word below three letters."""
    if len(word) < SHORTEST:
        return []
    found = dict.fromkeys(misspelt(word, slip, generator.randrange(1, len(word)), generator) for slip in SLIPS)
    return [one for one in found if one != word]


def with_typos(text: str, rate: float, generator: random.Random) -> str:
    """The text with one typing error in each word of three letters or more, with probability `rate` a word."""

    def spoil(match: re.Match[str]) -> str:
        word = match.group()
        if len(word) < SHORTEST or generator.random() >= rate:
            return word
        at = generator.randrange(1, len(word))
        return misspelt(word, generator.choice(SLIPS), at, generator)

    return WORD.sub(spoil, text)
