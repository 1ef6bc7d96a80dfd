"""Misspellings that people have made: lists of words and how they were written.

There are three lists, and those on this machine are used: Wikipedia's list of common misspellings and the Birkbeck
corpus (Mitton 1985), both in $UEGR_DATA/lexical, and the dictionary of the package `codespell`. Only forms within two
edits of a right word of three letters or more are taken. The others are not recognisable as the word (codespell has
"xwindows" for "x").
"""

import random
from collections import defaultdict
from functools import cache
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import ClassVar

from uegr.errors import UsageError
from uegr.perturb.lexical_files import lexical_file
from uegr.perturb.perturbation import WordPerturbation, distinct
from uegr.perturb.words import SHORTEST, match_case

FILES = ("misspellings_wikipedia.txt", "misspellings_birkbeck.txt")
LARGEST_DISTANCE = 2
"""Largest edit distance of a form to the right word."""


class NaturalMisspellings(WordPerturbation):
    """Words as people have misspelt them."""

    name: ClassVar[str] = "misspellings"

    def prepare(self) -> None:
        misspellings()

    def candidates(self, word: str, generator: random.Random) -> list[str]:
        wrong = misspellings().get(word.lower(), [])
        return distinct(word, [match_case(form, word) for form in generator.sample(wrong, min(4, len(wrong)))])


@cache
def misspellings() -> dict[str, list[str]]:
    """Correct word -> its misspellings, in lower case."""
    pairs: list[tuple[str, str]] = []
    for path in filter(None, map(lexical_file, FILES)):
        lines = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
        pairs += [(right, wrong) for right, wrong in lines]
    spec = find_spec("codespell_lib")
    if spec is not None and spec.origin is not None:
        dictionary = Path(spec.origin).parent / "data" / "dictionary.txt"
        lines = (line.split("->") for line in dictionary.read_text(encoding="utf-8").splitlines() if "," not in line)
        pairs += [(right, wrong) for wrong, right in lines]
    if not pairs:
        raise UsageError(
            "there is no list of misspellings on this machine: pip install codespell, or point UEGR_DATA at a folder "
            f"that holds lexical/{FILES[0]}."
        )
    table: defaultdict[str, list[str]] = defaultdict(list)
    for right, wrong in ((right.lower(), wrong.lower()) for right, wrong in pairs):
        is_pair = right.isalpha() and wrong.isalpha() and len(right) >= SHORTEST
        if is_pair and 0 < edits(right, wrong) <= LARGEST_DISTANCE and wrong not in table[right]:
            table[right].append(wrong)
    return dict(table)


def edits(first: str, second: str, *, swap: int = 1) -> int:
    """Levenshtein distance, in which a swap of neighbours counts `swap` edits (1: optimal string alignment)."""
    for _ in range(2):  # without the letters at both ends that are equal; reversed twice
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))
        first, second = first[same:][::-1], second[same:][::-1]
    rows = [list(range(len(second) + 1))]
    for i, a in enumerate(first, 1):
        row = [i]
        for j, b in enumerate(second, 1):
            row.append(min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (a != b)))
            if i > 1 and j > 1 and a == second[j - 2] and first[i - 2] == b:
                row[-1] = min(row[-1], rows[-2][j - 2] + swap)
        rows.append(row)
    return rows[-1][-1]
