"""From token ids back to words, and from edited words to token ids, for any fast tokenizer.

A row of ids is cut at its special tokens into segments (a sentence, or the two of a pair); a segment is decoded, its
words are found in the text, and edited text is tokenised anew. The special tokens stay where they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedTokenizerBase

from uegr.errors import UsageError
from uegr.perturb.words import WORD

CACHED = 1 << 17
"""Words whose tokens are remembered; random misspellings would fill the memory without a bound."""


@dataclass(frozen=True)
class Word:
    """A word of a row.

    Args:
        text: as it is written.
        segment: which segment of the row it stands in.
        span: its first letter and the one behind its last, in the segment's text.
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
        ids: its real token ids.
        bounds: first and one past the last position of each segment.
        texts: of the segments.
        words: all of them, in order; none of a segment that tokenises to other ids than it came from.
    """

    ids: tuple[int, ...]
    bounds: tuple[tuple[int, int], ...]
    texts: tuple[str, ...]
    words: tuple[Word, ...]


class Retokenizer:
    """Reads rows of token ids as words, and writes edited rows as token ids.

    Args:
        tokenizer: a fast one; slow tokenizers do not tell which letters a token covers.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        if not tokenizer.is_fast:
            raise UsageError(
                f"{type(tokenizer).__name__} is a slow tokenizer, which does not tell where a token stands in the "
                "text: load it with use_fast=True."
            )
        self.tokenizer = tokenizer
        # An unknown word is a word: it stays in its segment.
        self._special = {*tokenizer.all_special_ids} - {tokenizer.unk_token_id}
        self._tokens: dict[str, tuple[int, ...]] = {}

    def read(self, ids: Sequence[int]) -> Row:
        """The words of one row, padding left out."""
        bounds: list[tuple[int, int]] = []
        texts: list[str] = []
        words: list[Word] = []
        start = 0
        for stop in [*(i for i, one in enumerate(ids) if one in self._special), len(ids)]:
            if stop > start:
                segment = list(ids[start:stop])
                text = self.tokenizer.decode(segment, clean_up_tokenization_spaces=False)
                assert isinstance(text, str)
                again = self._encode(text, offsets=True)
                if again["input_ids"] == segment:
                    words += _words(text, len(texts), start, again["offset_mapping"])
                bounds.append((start, stop))
                texts.append(text)
            start = stop + 1
        return Row(tuple(ids), tuple(bounds), tuple(texts), tuple(words))

    def write(self, row: Row, edits: Mapping[Word, str], longest: int) -> tuple[list[int], list[int]]:
        """The row with some words replaced.

        Returns:
            Its token ids, at most `longest` of them (the last segment gives way), and for each the position of the
            former row that it stands for, by which other per-token inputs are carried over.
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
                for (first, last), new in reversed(changes):
                    text = text[:first] + new + text[last:]
                fresh = self._encode(text)["input_ids"]
                stands_for = [start] * len(fresh)
            else:
                fresh, stands_for = list(row.ids[start:stop]), list(range(start, stop))
            if segment == len(row.bounds) - 1:
                fresh = fresh[: max(1, longest - len(ids) - (len(row.ids) - stop))]
            ids += fresh
            origin += stands_for[: len(fresh)]
            end = stop
        return ids + list(row.ids[end:]), origin + list(range(end, len(row.ids)))

    def tokens_of(self, words: Sequence[str]) -> list[tuple[int, ...]]:
        """Token ids of words in the middle of a text; the new ones are tokenised in one call."""
        new = list({word for word in words if word not in self._tokens})
        if len(self._tokens) > CACHED:
            self._tokens.clear()
            new = list({*words})
        if new:
            encoded = self.tokenizer([f" {word}" for word in new], add_special_tokens=False)["input_ids"]
            self._tokens.update(zip(new, map(tuple, encoded), strict=True))
        return [self._tokens[word] for word in words]

    def _encode(self, text: str, offsets: bool = False) -> dict[str, Any]:
        return dict(self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=offsets, verbose=False))


def _words(text: str, segment: int, start: int, offsets: Sequence[tuple[int, int]]) -> list[Word]:
    """The words of a segment; a token that begins with a space covers the letters behind it."""
    found = []
    at = 0
    for match in WORD.finditer(text):
        first, last = match.span()
        while at < len(offsets) and offsets[at][1] <= first:
            at += 1
        tokens = []
        near = at
        while near < len(offsets) and offsets[near][0] < last:
            tokens.append(start + near)
            near += 1
        if tokens:
            found.append(Word(match.group(), segment, (first, last), tuple(tokens)))
    return found
