"""MaxMatch-Dropout (Hiraoka 2022, arXiv 2209.04126): the same word in other tokens of the vocabulary.

From left to right the longest token that fits is taken, unless it is passed over, with some probability, for a shorter
one. Published for WordPiece. Ours: the use with every vocabulary whose tokens are pieces of words (BPE, Unigram),
instead of BPE-dropout, whose random numbers cannot be seeded from outside.
"""

import random
import re
from typing import Any

_BYTE = re.compile("<0x[0-9A-F]{2}>")
"""A token of one byte, as SentencePiece writes it: its name is not part of a word."""
PASSED_OVER = 0.3
"""Probability that a token that fits is passed over."""


class TokenDropout:
    """Splits words into other tokens.

    Args:
        tokenizer: a fast tokenizer.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._ids: dict[str, int] = tokenizer.get_vocab()
        model = tokenizer.backend_tokenizer.model
        self._inside: str = getattr(model, "continuing_subword_prefix", None) or ""
        self._ending: str = getattr(model, "end_of_word_suffix", None) or ""
        self._longest = max(map(len, self._ids))

    def __call__(self, ids: list[int], generator: random.Random) -> list[int]:
        """Other tokens for a word; the same tokens if the draw or the vocabulary gives no others."""
        written = self._tokenizer.convert_ids_to_tokens(ids)
        if any(_BYTE.fullmatch(token) for token in written):
            return ids
        word = "".join(token.removeprefix(self._inside) if i else token for i, token in enumerate(written))
        word = word.removesuffix(self._ending)
        tokens: list[int] = []
        start = 0
        while start < len(word):
            ends = range(min(len(word), start + self._longest), start, -1)
            fitting = [end for end in ends if self._written(word, start, end) in self._ids]
            if not fitting:
                return ids
            end = next((end for end in fitting[:-1] if generator.random() >= PASSED_OVER), fitting[-1])
            tokens.append(self._ids[self._written(word, start, end)])
            start = end
        return tokens

    def _written(self, word: str, start: int, end: int) -> str:
        return (self._inside if start else "") + word[start:end] + (self._ending if end == len(word) else "")
