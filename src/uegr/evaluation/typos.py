"""Typing errors: what a hurried hand does to a sentence, at a given rate, reproducibly."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from datasets import Dataset

from uegr.errors import UsageError

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
KINDS = ("neighbour", "swap", "drop", "double")
SHORTEST = 3
"""Words below this length stay: an error in them leaves too little to read."""


def with_typos(text: str, rate: float, generator: random.Random) -> str:
    """The text with one typing error in each word of three letters or more, with probability `rate` a word.

    An error hits a neighbouring key, swaps two letters, drops one or types one twice; the first letter stays.
    """

    def spoil(match: re.Match[str]) -> str:
        word = match.group()
        if len(word) < SHORTEST or generator.random() >= rate:
            return word
        letters = list(word)
        at = generator.randrange(1, len(word))
        kind = generator.choice(KINDS)
        if kind == "swap":
            other = at - 1 if at > 1 else at + 1
            letters[at], letters[other] = letters[other], letters[at]
        elif kind == "drop":
            del letters[at]
        elif kind == "double":
            letters.insert(at, letters[at])
        else:
            letters[at] = generator.choice(NEIGHBOURS.get(letters[at].lower(), letters[at]))
        return "".join(letters)

    return re.sub(r"[^\W\d_]+", spoil, text)


def typo_rows(rows: Dataset, text_columns: Sequence[str], rate: float, seed: int = 0) -> Dataset:
    """The rows with typing errors in their text; the same for every model that is asked."""
    if not 0.0 < rate <= 1.0:
        raise UsageError(f"the rate of typing errors must lie in (0, 1], not {rate}.")

    def spoil(row: dict[str, str], at: int) -> dict[str, str]:
        generator = random.Random(f"{seed}:{at}")
        return {column: with_typos(str(row[column]), rate, generator) for column in text_columns}

    return rows.map(spoil, with_indices=True, keep_in_memory=True)
