"""Which words differ between two texts, so that the page can mark them."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import groupby

from uegr.perturb.words import has_unspaced_words, pieces_of

Pieces = list[tuple[str, bool]]
"""Parts of a text, and whether each is changed; joined they are the text."""


def mark_changes(before: str, after: str) -> tuple[Pieces, Pieces]:
    """Return both texts in pieces.

    A change of any letter or sign of a word marks all of it. White space stays with the words beside it: comparing
    each space with every other would take minutes for a long text.
    """
    unspaced = has_unspaced_words(before)
    old, new = (pieces_of(text, unspaced=unspaced) for text in (before, after))
    kept_old, kept_new = [False] * len(old), [False] * len(new)
    places_old, places_new = ([i for i, piece in enumerate(pieces) if not piece.isspace()] for pieces in (old, new))
    old_words, new_words = [old[i] for i in places_old], [new[i] for i in places_new]
    paired = (  # words in the same place of a part that has as many words in both texts
        (places_old[start + k], places_new[new_start + k])
        for _, start, end, new_start, new_end in SequenceMatcher(None, old_words, new_words, False).get_opcodes()
        if end - start == new_end - new_start
        for k in range(end - start)
    )
    for i, j in ((i + step, j + step) for i, j in paired for step in (-1, 0, 1)):
        inside = 0 <= i < len(old) and 0 <= j < len(new)
        if inside and old[i] == new[j] and not kept_old[i] and not kept_new[j]:
            kept_old[i] = kept_new[j] = True
    return _joined(old, kept_old), _joined(new, kept_new)


def _joined(words: Sequence[str], kept: Sequence[bool]) -> Pieces:
    """Join neighbouring words that are all kept, or all changed."""
    runs = groupby(zip(words, kept, strict=True), key=lambda pair: pair[1])
    return [("".join(word for word, _ in run), not is_kept) for is_kept, run in runs]
