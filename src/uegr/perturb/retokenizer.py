"""Convert token ids to words, and edited words back to token ids, for any fast tokenizer.

A row of ids is split at its special tokens into segments (a sentence, or the two of a pair). A segment is decoded, its
words are found in the text, and edited text is tokenised again. The special tokens stay where they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedTokenizerBase

from uegr.errors import UsageError
from uegr.perturb.words import WORD

CACHED = 1 << 17
"""Largest number of words whose tokens are cached; random misspellings would fill the memory otherwise."""


@dataclass(frozen=True)
class Word:
    """A word of a row.

    Args:
        text: the word as written.
        segment: index of its segment in the row.
        span: start and end (exclusive) of the word in the text of the segment.
        tokens: positions of its tokens in the row.
    """

    text: str
    segment: int
    span: tuple[int, int]
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """One example as text.

    Args:
        ids: its token ids without padding.
        bounds: start and end (exclusive) of each segment, as positions in `ids`.
        texts: the texts of the segments.
        words: all words in order, except those of a segment whose text is not tokenised to the same ids again.
    """

    ids: tuple[int, ...]
    bounds: tuple[tuple[int, int], ...]
    texts: tuple[str, ...]
    words: tuple[Word, ...]


class Retokenizer:
    """Reads rows of token ids as words, and writes edited rows as token ids.

    Args:
        tokenizer: a fast tokenizer; slow tokenizers do not return the characters that a token covers.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        if not tokenizer.is_fast:
            raise UsageError(
                f"{type(tokenizer).__name__} is a slow tokenizer, which does not return where a token is in the "
                "text: load it with use_fast=True."
            )
        self.tokenizer = tokenizer
        # The unknown token stands for a word: it does not end a segment.
        self._special = {*tokenizer.all_special_ids} - {tokenizer.unk_token_id}
        self._tokens: dict[str, tuple[int, ...]] = {}

    def read(self, ids: Sequence[int]) -> Row:
        """Return the words of one row of ids without padding."""
        bounds: list[tuple[int, int]] = []
        texts: list[str] = []
        words: list[Word] = []
        start = 0
        for stop in [*(i for i, token in enumerate(ids) if token in self._special), len(ids)]:
            if stop > start:
                segment = list(ids[start:stop])
                text = self.tokenizer.decode(segment, clean_up_tokenization_spaces=False)
                assert isinstance(text, str)
                encoded = self._encode(text, offsets=True)
                if encoded["input_ids"] == segment:
                    words += _find_words(text, len(texts), start, encoded["offset_mapping"])
                bounds.append((start, stop))
                texts.append(text)
            start = stop + 1
        return Row(tuple(ids), tuple(bounds), tuple(texts), tuple(words))

    def write(self, row: Row, edits: Mapping[Word, str], longest: int) -> tuple[list[int], list[int]]:
        """Tokenise the row with some words replaced.

        Returns:
            Its token ids, at most `longest` of them (the last segment is truncated), and for each the position in the
            original row from which other inputs per token are copied.
        """
        ids: list[int] = []
        origin: list[int] = []
        end = 0
        for segment, (start, stop) in enumerate(row.bounds):
            ids += row.ids[end:start]
            origin += range(end, start)
            changes = sorted((word.span, text) for word, text in edits.items() if word.segment == segment)
            if changes:
                text = row.texts[segment]
                for (first, last), replacement in reversed(changes):
                    text = text[:first] + replacement + text[last:]
                new_ids = self._encode(text)["input_ids"]
                new_origin = [start] * len(new_ids)
            else:
                new_ids, new_origin = list(row.ids[start:stop]), list(range(start, stop))
            if segment == len(row.bounds) - 1:
                new_ids = new_ids[: max(1, longest - len(ids) - (len(row.ids) - stop))]
            ids += new_ids
            origin += new_origin[: len(new_ids)]
            end = stop
        return ids + list(row.ids[end:]), origin + list(range(end, len(row.ids)))

    def tokens_of(self, words: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the token ids of words inside a text; words that are not cached are tokenised in one call."""
        uncached = list({word for word in words if word not in self._tokens})
        if len(self._tokens) > CACHED:
            self._tokens.clear()
            uncached = list({*words})
        if uncached:
            encoded = self.tokenizer([f" {word}" for word in uncached], add_special_tokens=False)["input_ids"]
            self._tokens.update(zip(uncached, map(tuple, encoded), strict=True))
        return [self._tokens[word] for word in words]

    def _encode(self, text: str, offsets: bool = False) -> dict[str, Any]:
        return dict(self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=offsets, verbose=False))


def _find_words(text: str, segment: int, start: int, offsets: Sequence[tuple[int, int]]) -> list[Word]:
    """Find the words of a segment and their tokens; a token that begins with a space belongs to the word after it."""
    words = []
    token = 0
    for match in WORD.finditer(text):
        first, last = match.span()
        while token < len(offsets) and offsets[token][1] <= first:
            token += 1
        end = token
        while end < len(offsets) and offsets[end][0] < last:
            end += 1
        if end > token:
            words.append(Word(match.group(), segment, (first, last), tuple(range(start + token, start + end))))
    return words
