"""What an adversary may write in a word's place: synonyms, misspellings, or both."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Literal

from uegr.perturb.misspellings import misspellings
from uegr.perturb.synonyms import load_synonyms

Edits = Literal["words", "characters", "both"]
Candidates = Callable[[str, random.Random], list[str]]


def candidates_of(edits: Edits) -> Candidates:
    """What may replace a word, given randomness: its synonyms, one misspelling of each kind, or all of them.

    Raises:
        UsageError: no synonym table is on this machine.
    """
    if edits == "characters":
        return misspellings
    synonyms = load_synonyms()
    if edits == "words":
        return lambda word, _: list(synonyms(word))
    return lambda word, generator: [*synonyms(word), *misspellings(word, generator)]
