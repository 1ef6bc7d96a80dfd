"""The words that an adversary may write instead of a word: synonyms, misspellings, or both."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Literal

from uegr.perturb.misspellings import random_misspellings
from uegr.perturb.synonyms import load_synonyms

Edits = Literal["words", "characters", "both"]
Candidates = Callable[[str, random.Random], list[str]]
"""From a word and a random generator to the words that may replace it."""


def candidates_of(edits: Edits) -> Candidates:
    """Return the function that lists the replacements of a word: synonyms, misspellings (one per kind), or both.

    Raises:
        UsageError: there is no synonym table on this machine.
    """
    if edits == "characters":
        return random_misspellings
    synonyms = load_synonyms()
    if edits == "words":
        return lambda word, _: list(synonyms(word))
    return lambda word, generator: [*synonyms(word), *random_misspellings(word, generator)]
