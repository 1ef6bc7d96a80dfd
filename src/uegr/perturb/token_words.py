"""The words of a tokenized text, so that one word can be written differently and all other tokens stay as they are.

Everything is read from the token ids with the tokenizer's own decoder: a training loop needs no texts in its batches.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import regex

from uegr.errors import UsageError
from uegr.perturb.words import WORD

_UNREADABLE = "\ufffd"
"""What a decoder writes for a part of a character: byte-level tokens split letters of many scripts."""
_LETTERS = regex.compile(rf"[\p{{L}}\p{{M}}\u200c\u200d{_UNREADABLE}]+")
_PREFIXES = ("-", "(", "/", "'")
"""Prefixes, tried in order: a word is tokenized after one, so that no space is added at its start. The next is tried
where the tokenizer merges the prefix with the word."""
_SAMPLE = ("unforgettable", "misspellings", "reads", "a", "tokenizer")
"""Words that a tokenizer must read as they are written; a vocabulary without their letters is not checked."""


@dataclass(frozen=True)
class TokenWord:
    """A word of a row of token ids.

    Args:
        start, end: its tokens, ids[start:end].
        text: as the tokenizer decodes it: in lower case if the tokenizer has no upper case.
        spaced: there is a space before it.
    """

    start: int
    end: int
    text: str
    spaced: bool


@dataclass(frozen=True)
class _Piece:
    text: str
    spaced: bool


_Unit: TypeAlias = tuple[int, int, _Piece | None]
"""Some tokens, ids[start:end], and what they add to a text; None if that is not a part of a word."""


class TokenWords:
    """Finds the words in token ids, and tokenizes other spellings of them.

    Args:
        tokenizer: a fast tokenizer of Hugging Face, of any kind (WordPiece, byte-level BPE, SentencePiece).

    Raises:
        UsageError: the tokenizer has no fast form, no tokens for letters, or a decoder that does not show its words.
    """

    def __init__(self, tokenizer: Any) -> None:
        if not getattr(tokenizer, "is_fast", False):
            raise UsageError(
                f"{type(tokenizer).__name__} is not a fast tokenizer, which views that edit texts need: choose a model "
                "with a tokenizer.json, or other views."
            )
        self.tokenizer = tokenizer
        # Control tokens such as Llama's <|eot_id|> have no name among the special tokens.
        control = {token_id for token_id, token in tokenizer.added_tokens_decoder.items() if token.special}
        self.special_ids = frozenset(control.union(tokenizer.all_special_ids))
        backend = tokenizer.backend_tokenizer
        ending = getattr(backend.model, "end_of_word_suffix", None)
        vocabulary = backend.get_vocab(with_added_tokens=False) if ending else {}
        inside = {token_id for token, token_id in vocabulary.items() if not token.endswith(ending)}
        self._inside = frozenset(inside - self.special_ids)
        """Tokens after which a word goes on, where the vocabulary marks the ends of words; others mark the starts."""
        self._anchor, self._anchor_text = self._find_anchor()
        self._pieces: dict[int, _Piece | None] = {}
        self._check()

    def decode(self, ids: Sequence[int]) -> str:
        """The text of tokens, without special tokens."""
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def decode_after_word(self, ids: Sequence[int]) -> str:
        """What tokens add to the text of a word before them: with the space between, which `decode` may leave out."""
        return self.decode([*self._anchor, *ids]).removeprefix(self._anchor_text)

    def words(self, ids: Sequence[int]) -> list[TokenWord]:
        """The words of a text, in order, without numbers, punctuation and special tokens."""
        return self._joined(ids, [(i, i + 1, self._piece(token)) for i, token in enumerate(ids)])

    def encode(self, texts: Sequence[str], spaced: Sequence[bool]) -> list[list[int]]:
        """The token ids of words, each with a space before it or not."""
        if not texts:
            return []
        written = [f" {text}" if space else text for text, space in zip(texts, spaced, strict=True)]
        encoded: dict[int, list[int]] = {}
        for prefix in _PREFIXES:
            left = [i for i in range(len(written)) if i not in encoded]
            if not left:
                break
            start, *rows = self._ids([prefix, *(prefix + written[i] for i in left)])
            encoded |= {i: row[len(start) :] for i, row in zip(left, rows, strict=True) if row[: len(start)] == start}
        return [encoded[i] if i in encoded else self._ids([text])[0] for i, text in enumerate(written)]

    def _ids(self, texts: list[str]) -> list[list[int]]:
        ids: list[list[int]] = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
        return ids

    def _find_anchor(self) -> tuple[list[int], str]:
        """Tokens of letters, and their text; decoded before another token, they show whether it begins with a space."""
        ids: list[int] = self.tokenizer("a", add_special_tokens=False)["input_ids"]
        others = ([token] for token in range(len(self.tokenizer)))  # for a vocabulary of whole words without "a"
        excluded = self.special_ids | self._inside
        for tokens in itertools.chain([ids], others):
            text = "" if excluded.intersection(tokens) else self.decode(tokens)
            if text.strip().isalpha():
                return tokens, text
        raise UsageError(f"{type(self.tokenizer).__name__} has no token of letters: choose views that edit no texts.")

    def _check(self) -> None:
        """Read words of several tokens back, and write them again."""
        tokenizer = self.tokenizer
        texts = [text for text in _SAMPLE if self._can_write(text)]
        ids = self._ids([" ".join(texts)])[0] if texts else []
        words = self.words(ids)
        again = self.encode([word.text for word in words], [word.spaced for word in words])
        is_random = bool(getattr(tokenizer.backend_tokenizer.model, "dropout", None))
        if [word.text.lower() for word in words] != texts or (not is_random and list(itertools.chain(*again)) != ids):
            raise UsageError(
                f"{type(tokenizer).__name__} does not show which of its tokens make up a word, which views that edit "
                "texts need: it has no decoder, or tokens that go across words. Choose another model, or other views."
            )

    def _can_write(self, text: str) -> bool:
        """Whether the tokens of a word contain its letters, in their order; unknown words and bytes do not."""
        tokens: list[str] = self.tokenizer.convert_ids_to_tokens(self._ids([text])[0])
        letters = iter("".join(tokens).lower())
        return all(letter in letters for letter in text)

    def _joined(self, ids: Sequence[int], units: Sequence[_Unit]) -> list[TokenWord]:
        """The words that units make up, one after the other."""
        words: list[TokenWord] = []
        start = last = 0
        pieces: list[_Piece] = []
        for position, end, piece in [*units, (len(ids), len(ids), None)]:
            goes_on = position > 0 and ids[position - 1] in self._inside
            if pieces and (piece is None or (piece.spaced and not goes_on)):
                words += self._word(ids, start, last, pieces)
                pieces = []
            if piece is not None:
                start, last = position if not pieces else start, end
                pieces.append(piece)
        return words

    def _word(self, ids: Sequence[int], start: int, end: int, pieces: Sequence[_Piece]) -> list[TokenWord]:
        """The pieces as a word; if they are not letters only, the words beside punctuation marks of several tokens."""
        text = "".join(piece.text for piece in pieces)
        in_parts = _UNREADABLE in text
        if in_parts:
            text = self.decode(ids[start:end]).strip()
        if WORD.fullmatch(text) and ids[end - 1] not in self._inside:
            return [TokenWord(start, end, text, pieces[0].spaced)]
        return self._joined(ids, self._characters(ids, start, end)) if in_parts else []

    def _characters(self, ids: Sequence[int], start: int, end: int) -> list[_Unit]:
        """Tokens in units of whole characters: some tokenizers write a quotation mark as two or three tokens."""
        units: list[_Unit] = []
        while start < end:
            stop = start + 1
            while _UNREADABLE in self.decode(ids[start:stop]) and stop < end:
                stop += 1
            piece = self._read(ids[start:stop])
            units.append((start, stop, None if piece is None or _UNREADABLE in piece.text else piece))
            start = stop
        return units

    def _piece(self, token: int) -> _Piece | None:
        """What a token adds to a text; None if it is not a part of a word."""
        if token not in self._pieces:
            self._pieces[token] = None if token in self.special_ids else self._read([token])
        return self._pieces[token]

    def _read(self, tokens: Sequence[int]) -> _Piece | None:
        added = self.decode_after_word(tokens)
        text = added.lstrip()
        if added.removesuffix(text) not in ("", " "):
            return None  # a tab or the end of a line stays
        is_space = added == " "  # in some vocabularies a space is a token of its own
        return _Piece(text, spaced=text != added) if is_space or _LETTERS.fullmatch(text) else None
