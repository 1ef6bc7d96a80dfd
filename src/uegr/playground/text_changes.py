"""Change a text, and show which of its words are changed."""

import random
import re
from difflib import SequenceMatcher
from itertools import groupby

from uegr.evaluation.attacks.attack_results import Texts
from uegr.perturb.perturbation_registry import find_perturbation

CHANGED, DELETED = "changed", "deleted"
Piece = tuple[str, str | None]
"""A part of a text with its mark: `CHANGED`, `DELETED` (no longer in the text), or None (unchanged)."""


def perturb(texts: Texts, name: str, rate: float, seed: int) -> Texts:
    """Apply a named perturbation to the last text of an example.

    Args:
        texts: the texts of the example.
        name: a key of `PERTURBATIONS`.
        rate: probability of a change per word, or per place where one is possible, in (0, 1].
        seed: random seed.
    """
    *fixed, text = texts
    return (*fixed, find_perturbation(name)(text, rate, random.Random(seed)))


def mark_words(before: str, after: str) -> list[Piece]:
    """Split the text `after` into pieces. Words (separated by white space) that differ from `before` are marked."""
    old, tokens = before.split(), re.findall(r"\s+|\S+", after)
    places = [i for i, token in enumerate(tokens) if not token.isspace()]
    marks: dict[int, str] = {}
    deleted: dict[int, str] = {}
    new = [tokens[i] for i in places]
    for change, old_start, old_end, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if change == "delete":
            deleted[places[start] if start < len(places) else len(tokens)] = " ".join(old[old_start:old_end])
        elif change != "equal":
            marks |= dict.fromkeys(places[start:end], CHANGED)
    pieces: list[Piece] = []
    for i, token in enumerate([*tokens, ""]):
        if i in deleted:
            pieces += [(deleted[i], DELETED), (" ", None)]
        pieces.append((token, marks.get(i)))
    return _joined(pieces)


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Join neighbours with the same mark, and leave out empty pieces."""
    runs = groupby((piece for piece in pieces if piece[0]), key=lambda piece: piece[1])
    return [("".join(text for text, _ in run), mark) for mark, run in runs]
