"""Greedy search word by word: find out which words matter, then rewrite them in that order until the model errs.

The search of DeepWordBug (Gao et al. 2018, arXiv 1801.04354) and TextFooler (Jin et al. 2020, arXiv 1907.11932):
a word matters as much as the right class's probability falls when it is deleted. An example costs one query per word
that could be rewritten, and one per candidate of the words that are rewritten: tens of queries, not thousands.
"""

import random
from abc import abstractmethod
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from uegr.errors import UsageError
from uegr.evaluation.attacks.attack_results import Texts
from uegr.evaluation.attacks.text_attack import Comparison, OnChange, Request, Search, TextAttack
from uegr.perturb.words import replace_words, words_of


@dataclass(frozen=True)
class GreedyAttack(TextAttack):
    """A greedy search over the words of a text.

    Args, in addition to the seed:
        max_share: at most this share of the words is rewritten, but one word at least.
        similarity: least cosine to the original text, by a sentence encoder where there is one; 0: any.
    """

    max_share: float = 0.3
    similarity: float = 0.0

    placeholder: ClassVar[str] = ""
    """Written in the place of a word to find out how much it matters: nothing deletes it."""

    def __post_init__(self) -> None:
        if not 0.0 < self.max_share <= 1.0:
            raise UsageError(f"the share of words to rewrite must lie in (0, 1], not {self.max_share}.")
        if not 0.0 <= self.similarity < 1.0:
            raise UsageError(f"the least similarity must lie in [0, 1), not {self.similarity}.")

    @abstractmethod
    def candidates(self, word: str, generator: random.Random) -> Sequence[str]:
        """The words that may replace `word`; empty where it must stay."""

    def fits(self, words: Sequence[str], replacements: Mapping[int, str]) -> bool:
        """Whether these replacements may be made together; any may, if an attack says nothing else."""
        return True

    def search(
        self, texts: Texts, label: int, generator: random.Random, on_change: OnChange = lambda texts: None
    ) -> Search:
        *fixed, text = texts
        words = words_of(text)
        candidates = {i: self.candidates(word, generator) for i, word in enumerate(words)}
        options = {i: replacements for i, replacements in candidates.items() if replacements}
        if not options:
            return None

        def with_words(replacements: dict[int, str]) -> Texts:
            return (*fixed, replace_words(text, replacements))

        without = yield Request([with_words({i: self.placeholder}) for i in options])
        order = [list(options)[i] for i in np.argsort(without[:, label], kind="stable")]
        replaced: dict[int, str] = {}
        lowest = 1.0
        for position in order:
            if len(replaced) == max(1, int(self.max_share * len(words))):
                break
            attempts = [{**replaced, position: word} for word in options[position]]
            attempts = [attempt for attempt in attempts if self.fits(words, attempt)]
            if not attempts:
                continue
            rewritten = [with_words(attempt) for attempt in attempts]
            probabilities = yield Request(rewritten)
            fooling = probabilities.argmax(axis=1) != label
            similar = yield from self._similar(rewritten, fooling, texts)
            if similar:
                most_similar = rewritten[max(similar, key=lambda i: similar[i])]
                on_change(most_similar)
                return most_similar
            similar = yield from self._similar(rewritten, ~fooling & (probabilities[:, label] < lowest), texts)
            if similar:
                best = min(similar, key=lambda i: float(probabilities[i, label]))
                replaced, lowest = attempts[best], float(probabilities[best, label])
                on_change(rewritten[best])
        return None

    def _similar(
        self, candidates: Sequence[Texts], considered: NDArray[np.bool_], original: Texts
    ) -> Generator[Comparison, NDArray[np.float64], dict[int, float]]:
        """Positions of the considered candidates that are similar enough, and how similar; others are not compared."""
        positions = [int(i) for i in np.flatnonzero(considered)]
        if not self.similarity or not positions:
            return dict.fromkeys(positions, 1.0)
        cosines = yield Comparison([candidates[i] for i in positions], original)
        return {i: float(c) for i, c in zip(positions, cosines, strict=True) if c >= self.similarity}
