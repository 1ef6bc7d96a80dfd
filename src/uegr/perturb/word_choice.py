"""Which words of a text are edited: half of them in proportion to how much the loss depends on them, half uniformly.

[ours]
"""

import math
import random
from collections.abc import Sequence

from uegr.perturb.token_words import TokenWord
from uegr.perturb.views import Edit


def choose_words(
    words: Sequence[TokenWord], edits: Sequence[Edit], generator: random.Random, weights: Sequence[float] | None
) -> dict[int, str]:
    """Draw the words to edit; each gets at most one edit.

    Args:
        words: of a row of token ids.
        edits: of single words.
        generator: source of the random choices.
        weights: how much the loss depends on each token of the row; None: all words are drawn uniformly.

    Returns:
        Index of a word -> the name of its edit.
    """
    counts = {edit.name: int(edit.draw_rate(generator) * len(words) + generator.random()) for edit in edits}
    names = [name for name, count in counts.items() for _ in range(count)]
    if len(names) > len(words):
        names = generator.sample(names, len(words))
    # Efraimidis and Spirakis 2006: the largest u ** (1 / share) are a draw without replacement in proportion to them.
    # Their logarithms do not underflow in a long text.
    keys = [math.log(max(generator.random(), 1e-300)) / share for share in _shares(words, weights)]
    drawn = sorted(range(len(words)), key=keys.__getitem__, reverse=True)[: len(names)]
    generator.shuffle(names)
    return dict(zip(drawn, names, strict=True))


def _shares(words: Sequence[TokenWord], weights: Sequence[float] | None) -> list[float]:
    """The share of each word in the draw; they add up to 1."""
    uniform = 1.0 / max(len(words), 1)
    if weights is not None:
        importance = [sum(weights[word.start : word.end]) for word in words]
        total = sum(importance)
        if total > 0:
            return [0.5 * uniform + 0.5 * value / total for value in importance]
    return [uniform] * len(words)
