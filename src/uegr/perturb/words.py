"""The words of a text, so that single ones can be replaced and the rest stays as it was, spaces and all."""

from __future__ import annotations

import re
from collections.abc import Mapping

WORD = re.compile(r"([^\W\d_]+)")
"""A run of letters, in any script."""

_FUNCTION_WORDS = """
    a about above after again against all although am among an and any are aren as at be because been before being
    below beneath between both but by can cannot could couldn did didn do does doesn doing don down during each either
    every few for from further had hadn has hasn have haven having he her here hers herself him himself his how i if in
    into is isn it its itself ll may me might mine more most must my myself neither no nor not now of off on once one
    only onto or other our ours ourselves out over own per re s same shall she should shouldn since so some such t than
    that the their theirs them themselves then there these they this those though through till to too toward under
    unless until up upon us ve very was wasn we were weren what when where whether which while who whom whose why will
    with within without won would wouldn yet you your yours yourself yourselves
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""English words that carry grammar more than meaning; a synonym for one of them would break the sentence."""


def words_of(text: str) -> list[str]:
    """The words of a text in their order."""
    return WORD.findall(text)


def replace_words(text: str, replacements: Mapping[int, str]) -> str:
    """The text with other words at some places; everything between the words stays.

    Args:
        text: any text.
        replacements: number of the word (from 0) -> what stands there instead; "" deletes it.
    """
    pieces = WORD.split(text)
    for at, word in replacements.items():
        pieces[2 * at + 1] = word
    return "".join(pieces)


def like(word: str, model: str) -> str:
    """`word` in the capitals of `model`: all of them, the first one, or none."""
    if model.isupper() and len(model) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if model[:1].isupper() else word
