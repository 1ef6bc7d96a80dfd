"""Errors of optical character recognition (OCR): "modern" for "modem", "l0ok" for "look"."""

import random
from typing import ClassVar

from uegr.perturb.perturbation import WordPerturbation, distinct

_PAIRS = "rn m, m rn, cl d, d cl, vv w, w vv, ii u, u ii, nn m, li h, h li, l 1, 1 l, i l, l i, I l, o 0, O 0, 0 O, s 5"
_PAIRS += ", S 5, B 8, z 2, g 9, q 9, b 6, e c, c e, h b, b h, a o, t f, f t, y v, v y"
CONFUSIONS: list[tuple[str, str]] = [(a, b) for a, b in (pair.split() for pair in _PAIRS.split(", "))]
"""The printed letters, and the letters that are read."""


class OCRErrors(WordPerturbation):
    """One confusion of letters in a word."""

    name: ClassVar[str] = "ocr"

    def candidates(self, word: str, generator: random.Random) -> list[str]:
        places = [(i, a, b) for a, b in CONFUSIONS for i in range(len(word)) if word.startswith(a, i)]
        chosen = generator.sample(places, min(4, len(places)))
        return distinct(word, [word[:i] + read + word[i + len(printed) :] for i, printed, read in chosen])
