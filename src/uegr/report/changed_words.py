"""Which words differ between two texts, so that the page can mark them."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

Pieces = list[tuple[str, bool]]
"""A text in pieces, and whether each is changed; the pieces together are the text."""


def mark_changes(before: str, after: str) -> tuple[Pieces, Pieces]:
    """Return both texts in pieces. Words are what stands between spaces, so that a change inside a word marks it."""
    old, new = (re.findall(r"\s+|\S+", text) for text in (before, after))
    kept_old, kept_new = [False] * len(old), [False] * len(new)
    for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        kept_old[block.a : block.a + block.size] = [True] * block.size
        kept_new[block.b : block.b + block.size] = [True] * block.size
    return _joined(old, kept_old), _joined(new, kept_new)


def _joined(words: Sequence[str], kept: Sequence[bool]) -> Pieces:
    """Put neighbours of one kind together."""
    pieces: Pieces = []
    for word, is_kept in zip(words, kept, strict=True):
        if pieces and pieces[-1][1] != is_kept:
            pieces[-1] = (pieces[-1][0] + word, not is_kept)
        else:
            pieces.append((word, not is_kept))
    return pieces
