"""Synonyms of a word, from a table: what a word-substitution attack, or an adversary in training, may write.

Three tables, best first: neighbours in counter-fitted word vectors (Mrksic et al. 2016; the list of Jia et al.
2019), the pairs of PPDB's paraphrase lexicon, and WordNet. The first two are looked for in $UEGR_DATA/lexical;
WordNet comes with a package. Whatever the table, a synonym must be able to stand in the word's place: it shares
a part of speech and inflection with it, by WordNet [ours], and function words have no synonyms.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, get_args

from uegr.errors import UsageError, unknown
from uegr.perturb.wordnet import WordNet, load_wordnet
from uegr.perturb.words import FUNCTION_WORDS, like

Source = Literal["counterfitted", "ppdb", "wordnet"]


class Synonyms:
    """A synonym table.

    Args:
        source: what results call it.
        lookup: word in lower case -> its synonyms, best first.
        wordnet: tells which of them can stand in the word's place.
    """

    def __init__(self, source: str, lookup: Callable[[str], list[str]], wordnet: WordNet) -> None:
        self.source, self._lookup, self._wordnet = source, lookup, wordnet
        self._known: dict[str, tuple[str, ...]] = {}

    def __call__(self, word: str) -> tuple[str, ...]:
        """Synonyms of a word, best first, in its capitals; none for a function word or an unknown one."""
        key = word.lower()
        if key not in self._known:
            self._known[key] = () if key in FUNCTION_WORDS else self._fitting(key)
        return tuple(like(one, word) for one in self._known[key])

    def _fitting(self, word: str) -> tuple[str, ...]:
        forms = self._wordnet.forms(word)
        # A single word each: a table's "new york" would not go through a tokenizer as one.
        return tuple(one for one in self._lookup(word) if one.isalpha() and forms & self._wordnet.forms(one))


def load_synonyms(source: Source | None = None) -> Synonyms:
    """The named table, or without a name the best that is on this machine.

    Raises:
        UsageError: an unknown name, or a table that is not here; the message says how to get it.
    """
    if source is not None and source not in get_args(Source):
        raise unknown("synonym table", source, get_args(Source))
    if source is None:
        source = "counterfitted" if _file("counterfitted_neighbors.json") else "wordnet"
    wordnet = load_wordnet()
    if source == "wordnet":
        return Synonyms(source, wordnet.synonyms, wordnet)
    name = "counterfitted_neighbors.json" if source == "counterfitted" else "ppdb_synonyms.txt"
    path = _file(name)
    if path is None:
        raise UsageError(
            f"the synonym table {source} is not on this machine: point UEGR_DATA at a folder that holds "
            f"lexical/{name}, or choose the table wordnet."
        )
    table = _neighbours(path) if source == "counterfitted" else _pairs(path)
    return Synonyms(source, lambda word: list(table.get(word, ())), wordnet)


def _file(name: str) -> Path | None:
    path = Path(os.environ.get("UEGR_DATA", "")) / "lexical" / name
    return path if "UEGR_DATA" in os.environ and path.is_file() else None


def _neighbours(path: Path) -> Mapping[str, list[str]]:
    """A JSON object, word -> its neighbours, nearest first."""
    table: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))
    return table


def _pairs(path: Path) -> Mapping[str, list[str]]:
    """Two words a line, each a synonym of the other."""
    table: defaultdict[str, list[str]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        one, other = line.split()
        for word, mate in ((one, other), (other, one)):
            if mate not in table[word]:
                table[word].append(mate)
    return dict(table)
