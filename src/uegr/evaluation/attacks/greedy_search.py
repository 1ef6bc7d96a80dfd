"""Greedy search word by word: find out which words matter, then rewrite them in that order until the model is wrong.

The search of DeepWordBug (Gao et al. 2018, arXiv 1801.04354) and TextFooler (Jin et al. 2020, arXiv 1907.11932):
a word matters as much as the correct class's probability falls when it is deleted. An example costs one query per word
that could be rewritten, and one per candidate of the words that are rewritten: tens of queries, not thousands.
"""

import math
import random
from abc import abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from uegr.errors import UsageError
from uegr.evaluation.attacks.attack_results import Texts
from uegr.evaluation.attacks.text_attack import TextAttack
from uegr.evaluation.attacks.text_search import OnChange, Request, Search, SimilarityRequest
from uegr.perturb.words import replace_words, words_of


@dataclass(frozen=True)
class Choice:
    """The text that a step of the search keeps.

    Args:
        index: of the text in the list of the texts that the step tried.
        probability: of the correct class, on this text.
        fools: whether the model classifies the text wrong.
    """

    index: int
    probability: float
    fools: bool


@dataclass(frozen=True)
class GreedyAttack(TextAttack):
    """A greedy search over the words of a text.

    Args, in addition to the seed:
        max_share: at most this share of the words is rewritten, but one word at least.
        similarity: smallest cosine to the original text, by a sentence encoder if one is installed; 0: any.
    """

    max_share: float = 0.3
    similarity: float = 0.0

    placeholder: ClassVar[str] = ""
    """Written instead of a word to find out how much the word matters; "" deletes the word."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 < self.max_share <= 1.0:
            raise UsageError(f"the share of words to rewrite must lie in (0, 1], not {self.max_share}.")
        if not 0.0 <= self.similarity < 1.0:
            raise UsageError(f"the least similarity must lie in [0, 1), not {self.similarity}.")

    @property
    def goes_by_words(self) -> bool:
        return True

    @abstractmethod
    def candidates(self, word: str, generator: random.Random) -> Sequence[str]:
        """The words that may replace `word`; empty where it must stay."""

    def fits(self, words: Sequence[str], replacements: Mapping[int, str]) -> bool:
        """Whether these replacements may be made together; by default all may."""
        return True

    def importance(
        self, texts: Texts, without: list[Texts], label: int
    ) -> Generator[Request, NDArray[np.float64], tuple[NDArray[np.float64], float | None]]:
        """How much each word matters, and the probability of the correct class for the original, if it was asked for.

        Args:
            texts: the original.
            without: for each word the text that has the placeholder in its place.
            label: the correct class.

        Returns:
            The importance of each word, (len(without),), and the probability or None.
        """
        probabilities = yield Request(without)
        return -probabilities[:, label], None

    def comparison(
        self, rewritten: list[Texts], original: Texts, current: Texts, position: int
    ) -> SimilarityRequest | None:
        """What the sentence encoder compares to find the texts that are similar enough; None accepts all texts.

        Args:
            rewritten: texts that differ from `current` only in the word at `position`.
            original: the text before all changes.
            current: the text with the changes that are kept so far.
            position: index of the word.
        """
        return SimilarityRequest(rewritten, original) if self.similarity else None

    def start(self, texts: Texts, label: int, generator: random.Random, clean: NDArray[np.float64]) -> Search:
        return self.search(texts, label, generator, clean=float(clean[label]))

    def search(
        self,
        texts: Texts,
        label: int,
        generator: random.Random,
        on_change: OnChange = lambda texts: None,
        clean: float | None = None,
    ) -> Search:
        *fixed, text = texts
        words = words_of(text)
        all_candidates = {i: self.candidates(word, generator) for i, word in enumerate(words)}
        candidates = {i: new_words for i, new_words in all_candidates.items() if new_words}
        if not candidates:
            return None

        def with_words(replacements: dict[int, str]) -> Texts:
            return (*fixed, replace_words(text, replacements))

        without = [with_words({i: self.placeholder}) for i in candidates]
        importance, asked = yield from self.importance(texts, without, label)
        probability = clean if asked is None else asked
        if probability is None:
            probability = float((yield Request([texts]))[0, label])
        positions = list(candidates)
        most = max(1, math.floor(self.max_share * len(words) + 1e-9))  # 0.29 * 100 is 28.99... in floating point
        replaced: dict[int, str] = {}
        for position in (positions[i] for i in np.argsort(-importance, kind="stable")):
            if len(replaced) == most:
                break
            attempts = [{**replaced, position: new_word} for new_word in candidates[position]]
            attempts = [attempt for attempt in attempts if self.fits(words, attempt)]
            if not attempts:
                continue
            rewritten = [with_words(attempt) for attempt in attempts]
            comparison_of = partial(self.comparison, original=texts, current=with_words(replaced), position=position)
            choice = yield from self._choose(rewritten, label, probability, comparison_of)
            if choice is None:
                continue
            replaced, probability = attempts[choice.index], choice.probability
            on_change(rewritten[choice.index])
            if choice.fools:
                return rewritten[choice.index]
        return None

    def _choose(
        self,
        rewritten: list[Texts],
        label: int,
        probability: float,
        comparison_of: Callable[[list[Texts]], SimilarityRequest | None],
    ) -> Generator[Request | SimilarityRequest, NDArray[np.float64], Choice | None]:
        """The most similar of the texts that fool the model; if none does, the one with the least probability.

        The encoder compares the texts that fool the model first, and the others only if none of these is similar
        enough.

        Args:
            rewritten: texts with one more word replaced.
            label: the correct class.
            probability: of the correct class so far; a text that does not fool the model must lower it.
            comparison_of: see `comparison`.
        """
        probabilities = yield Request(rewritten)
        fooling = probabilities.argmax(axis=1) != label
        for considered in (fooling, ~fooling & (probabilities[:, label] < probability)):
            positions = np.flatnonzero(considered)
            comparison = comparison_of([rewritten[i] for i in positions])
            cosines = np.ones(len(positions)) if comparison is None or not len(positions) else (yield comparison)
            similar = {int(i): float(c) for i, c in zip(positions, cosines, strict=True) if c >= self.similarity}
            if similar:
                best = max(similar, key=lambda i: similar[i] if fooling[i] else -probabilities[i, label])
                return Choice(best, float(probabilities[best, label]), bool(fooling[best]))
        return None
