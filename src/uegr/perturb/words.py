"""The words of a text: which may be changed, and how to replace some and keep all other characters.

Function words have no synonyms, and words of fewer than three letters are not misspelt.
"""

import re
from collections.abc import Mapping

import regex

from uegr.data.unspaced_scripts import UNSPACED

WORD = regex.compile(r"(\p{L}[\p{L}\p{M}\u200c\u200d]*)")
"""A sequence of letters with their marks (vowel signs, points, accents) and joiners, in any script."""
_CHARACTER = regex.compile(r"\X")
_UNSPACED = regex.compile(f"{UNSPACED}{{2}}")
_PIECE = re.compile(r"\s+|\S+")
_PIECE_OF_UNSPACED = regex.compile(rf"\s+|{WORD.pattern}?[^\s\p{{L}}]+|{WORD.pattern}")

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
"""English words with a grammatical function; replacing one by a synonym would break the sentence."""


SHORTEST = 3
"""Words with fewer letters are not misspelt: they would become unreadable."""


def characters_of(word: str) -> list[str]:
    """Return the characters of a word as a reader sees them (grapheme clusters): a letter together with its marks."""
    characters: list[str] = _CHARACTER.findall(word)
    return characters


def words_of(text: str) -> list[str]:
    """Return the words of a text in their order."""
    words: list[str] = WORD.findall(text)
    return words


def pieces_of(text: str, *, unspaced: bool | None = None) -> list[str]:
    """Return a text in pieces: white space, and words with the signs at them. Joined they are the text.

    In a text with words of a script without spaces a piece ends at the signs after a clause, too.

    Args:
        text: any text.
        unspaced: whether to cut it as a text with such words; None looks for them. Two texts that are compared are cut
            in the same way.
    """
    unspaced = has_unspaced_words(text) if unspaced is None else unspaced
    pattern = _PIECE_OF_UNSPACED if unspaced else _PIECE
    return [piece.group() for piece in pattern.finditer(text)]


def has_unspaced_words(text: str) -> bool:
    """Whether a text has words of a script without spaces; there, all letters up to a punctuation mark are one word."""
    return _UNSPACED.search(text) is not None


def replace_words(text: str, replacements: Mapping[int, str]) -> str:
    """Replace some words of a text; everything between the words stays.

    Args:
        text: any text.
        replacements: index of a word -> the word to write instead; "" deletes it.
    """
    pieces = WORD.split(text)
    for index, word in replacements.items():
        pieces[2 * index + 1] = word
    return "".join(pieces)


def match_case(word: str, template: str) -> str:
    """Return `word` capitalised like `template`: all letters, the first letter, or none."""
    if template.isupper() and len(template) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if template[:1].isupper() else word


def changeable_length(word: str) -> int:
    """The number of a word's characters, or 0 if it has fewer than three letters or only one character.

    A character is a grapheme cluster and may have several code points.
    """
    length = len(characters_of(word))
    return length if length > 1 and sum(letter.isalpha() for letter in word) >= SHORTEST else 0
