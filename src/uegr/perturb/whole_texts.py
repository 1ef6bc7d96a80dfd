"""Rewrite the whole texts in a row of token ids, which stand between its special tokens.

A token that stands for a word (an unknown word, a mask) is a part of a text, and stays as it is.
"""

import random
from collections.abc import Sequence

from uegr.perturb.edited_row import Change
from uegr.perturb.perturbation import Perturbation
from uegr.perturb.token_words import TokenWords

STAND_IN = "\ue000"
"""Written in a text for a token of an unknown word or of a mask: no perturbation changes it."""


class TextRewriter:
    """Applies perturbations of texts to rows of token ids.

    Args:
        token_words: reads and writes the tokens.
    """

    def __init__(self, token_words: TokenWords) -> None:
        self._token_words = token_words
        self._stand_ins = {token_words.tokenizer.unk_token_id, token_words.tokenizer.mask_token_id}
        self._separators = token_words.special_ids - self._stand_ins

    def changes(
        self, ids: list[int], perturbation: Perturbation, rate: float, generator: random.Random
    ) -> list[Change]:
        """The texts that a perturbation changes, from left to right.

        Args:
            ids: the row, without padding.
            perturbation: of texts.
            rate: see `Perturbation`.
            generator: source of the random choices.
        """
        changes = []
        for start, end in self._texts(ids):
            text, stand_ins = self._read(ids[start:end])
            changed = perturbation(text, rate, generator) if text else text
            if changed != text and changed.count(STAND_IN) == len(stand_ins):
                changes.append((start, end, self._written(changed, stand_ins, self._is_spaced(ids[start]))))
        return changes

    def _texts(self, ids: list[int]) -> list[tuple[int, int]]:
        """The row cut into texts and the special tokens between them, as (start, end)."""
        starts = [i for i in range(len(ids)) if not i or ids[i] in self._separators or ids[i - 1] in self._separators]
        return list(zip(starts, [*starts[1:], len(ids)], strict=True)) if ids else []

    def _read(self, ids: Sequence[int]) -> tuple[str, list[int]]:
        """The text of tokens, with `STAND_IN` for each token that stands for a word, and those tokens."""
        places = [i for i, token in enumerate(ids) if token in self._stand_ins]
        if not places:
            return self._token_words.decode(ids), []
        parts = [ids[after + 1 : before] for after, before in zip([-1, *places], [*places, len(ids)], strict=True)]
        texts = [self._token_words.decode(part).strip() for part in parts]
        return f" {STAND_IN} ".join(texts), [ids[i] for i in places]

    def _is_spaced(self, token: int) -> bool:
        """Whether a text that begins with a token begins with a space, which some tokenizers add themselves."""
        return self._token_words.decode_after_word([token]).startswith(" ")

    def _written(self, text: str, stand_ins: Sequence[int], is_spaced: bool) -> list[int]:
        """The tokens of a text from `_read` after its change."""
        parts = text.split(STAND_IN)
        spaced = [is_spaced, *[True] * len(stand_ins)]
        filled = [i for i, part in enumerate(parts) if part.strip()]
        rows = self._token_words.encode([parts[i].strip() for i in filled], [spaced[i] for i in filled])
        encoded = dict(zip(filled, rows, strict=True))
        tokens = encoded.get(0, [])
        for i, stand_in in enumerate(stand_ins, start=1):
            tokens = [*tokens, stand_in, *encoded.get(i, [])]
        return tokens
