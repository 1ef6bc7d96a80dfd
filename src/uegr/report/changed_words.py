"""Which words differ between two texts, so that the page can mark them."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import groupby

Pieces = list[tuple[str, bool]]
"""Parts of a text, and whether each is changed; joined they are the text."""


def mark_changes(before: str, after: str) -> tuple[Pieces, Pieces]:
    """Return both texts in pieces. A word ends at white space, and a change of any of its letters marks all of it."""
    old, new = (re.findall(r"\s+|\S+", text) for text in (before, after))
    kept_old, kept_new = [False] * len(old), [False] * len(new)
    for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        kept_old[block.a : block.a + block.size] = [True] * block.size
        kept_new[block.b : block.b + block.size] = [True] * block.size
    return _joined(old, kept_old), _joined(new, kept_new)


def _joined(words: Sequence[str], kept: Sequence[bool]) -> Pieces:
    """Join neighbouring words that are all kept, or all changed."""
    runs = groupby(zip(words, kept, strict=True), key=lambda pair: pair[1])
    return [("".join(word for word, _ in run), not is_kept) for is_kept, run in runs]
