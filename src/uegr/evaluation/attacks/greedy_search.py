"""Greedy word by word: find out which words matter, then rewrite them in that order until the model errs.

The search of DeepWordBug (Gao et al. 2018, arXiv 1801.04354) and TextFooler (Jin et al. 2020, arXiv 1907.11932):
a word matters as much as the right class's probability falls when it is deleted. An example costs one query a
word that could be rewritten, and one a candidate of the words that are: tens, not thousands.
"""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from uegr.errors import UsageError
from uegr.evaluation.attacks.text_attack import Request, Scores, Search, TextAttack, Texts
from uegr.perturb.words import replace_words, words_of


@dataclass(frozen=True)
class GreedyAttack(TextAttack):
    """Args, beside the seed:
    max_share: at most this share of the words is rewritten, but always one.
    similarity: least cosine to the original text, by a sentence encoder where one is at hand; 0: any.
    """

    max_share: float = 0.3
    similarity: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 < self.max_share <= 1.0:
            raise UsageError(f"the share of words to rewrite must lie in (0, 1], not {self.max_share}.")
        if not 0.0 <= self.similarity < 1.0:
            raise UsageError(f"the least similarity must lie in [0, 1), not {self.similarity}.")

    @abstractmethod
    def candidates(self, word: str, generator: random.Random) -> Sequence[str]:
        """What may stand in the word's place; empty where it must stay."""

    def search(self, texts: Texts, label: int, generator: random.Random) -> Search:
        *others, text = texts
        words = words_of(text)
        options = {at: found for at, word in enumerate(words) if (found := self.candidates(word, generator))}
        if not options:
            return None

        def with_words(replacements: dict[int, str]) -> Texts:
            return (*others, replace_words(text, replacements))

        without = yield Request([with_words({at: ""}) for at in options])
        order = [list(options)[i] for i in np.argsort(without.probabilities[:, label], kind="stable")]
        replaced: dict[int, str] = {}
        lowest = 1.0
        for at in order:
            if len(replaced) == max(1, int(self.max_share * len(words))):
                break
            tried = [{**replaced, at: word} for word in options[at]]
            scores = yield Request([with_words(one) for one in tried], texts if self.similarity else None)
            best = self._best(scores, label)
            if best is None or scores.probabilities[best, label] >= lowest:
                continue
            replaced, lowest = tried[best], float(scores.probabilities[best, label])
            if scores.probabilities[best].argmax() != label:
                return with_words(replaced)
        return None

    def _best(self, scores: Scores, label: int) -> int | None:
        """Of the candidates similar enough the most similar that fools the model, or else the one that leaves the
        right class least; None if no candidate is similar enough."""
        enough = scores.similarity >= self.similarity
        fooling = enough & (scores.probabilities.argmax(axis=1) != label)
        if fooling.any():
            return int(np.where(fooling, scores.similarity, -np.inf).argmax())
        if not enough.any():
            return None
        return int(np.where(enough, scores.probabilities[:, label], np.inf).argmin())
