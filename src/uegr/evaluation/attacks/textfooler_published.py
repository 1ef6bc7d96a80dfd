"""TextFooler's search as its authors run it (Jin et al. 2020, arXiv 1907.11932), with our synonyms and our encoder.

The authors use the fifty nearest counter-fitted vectors with the part of speech that a tagger finds, and the Universal
Sentence Encoder. We use the table and the WordNet forms of `uegr.perturb.synonyms`, and all-MiniLM-L6-v2. The limit of
similarity is the published angle; it was not chosen again for this encoder.
"""

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from uegr.evaluation.attacks.attack_results import Texts
from uegr.evaluation.attacks.synonym_swap import SynonymSwap
from uegr.evaluation.attacks.text_search import Request, SimilarityRequest
from uegr.perturb.words import WORD, words_of

WINDOW = 15
"""Words around a change that are compared, as in the authors' code; shorter texts are not compared at all."""
LARGEST_ANGLE = 0.5
"""Between the embeddings of the two windows, in radians."""


@dataclass(frozen=True)
class PublishedTextFooler(SynonymSwap):
    """Any number of words may be replaced, each by one of fifty synonyms, as long as the words around it stay similar.

    A word whose deletion changes the class matters more, by the rise of the new class's probability (equation 2 of the
    paper). The similarity compares fifteen words before and after one replacement, not the text and the original.
    """

    max_share: float = 1.0
    similarity: float = math.cos(LARGEST_ANGLE)
    most: int = 50

    name: ClassVar[str] = "textfooler-published"

    def importance(
        self, texts: Texts, without: list[Texts], label: int
    ) -> Generator[Request, NDArray[np.float64], tuple[NDArray[np.float64], float]]:
        original, *deleted = yield Request([texts, *without])
        importance = np.empty(len(without))
        for i, probabilities in enumerate(deleted):
            importance[i] = original[label] - probabilities[label]
            predicted = int(probabilities.argmax())
            if predicted != label:
                importance[i] += probabilities[predicted] - original[predicted]
        return importance, float(original[label])

    def comparison(
        self, rewritten: list[Texts], original: Texts, current: Texts, position: int
    ) -> SimilarityRequest | None:
        if not self.similarity or len(words_of(current[-1])) < WINDOW:
            return None
        return SimilarityRequest([window(texts, position) for texts in rewritten], window(current, position))


def window(texts: Texts, position: int) -> Texts:
    """Fifteen words of the last text: the word at `position` in the middle or, near an end, the fifteen at that end."""
    pieces = WORD.split(texts[-1])
    words = len(pieces) // 2
    first = min(max(0, position - WINDOW // 2), max(0, words - WINDOW))
    last = min(first + WINDOW, words) - 1
    return ("".join(pieces[2 * first + 1 : 2 * last + 2]),)
