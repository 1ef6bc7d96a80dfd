"""Edit the text of one row of token ids: which words are changed, into what, and which tokens stay.

Half of the words are drawn in proportion to how much the loss depends on them, half uniformly. What a word becomes is
random. [ours]
"""

import logging
import math
import random
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, TypeAlias

from uegr.perturb.perturbation import Perturbation, WordPerturbation
from uegr.perturb.perturbation_registry import PERTURBATIONS
from uegr.perturb.synonyms import Synonyms, load_synonyms
from uegr.perturb.token_dropout import TokenDropout
from uegr.perturb.token_words import TokenWord, TokenWords
from uegr.perturb.views import MASK, TOKENS, WORDS, Edit


@dataclass(frozen=True)
class EditedRow:
    """A row of token ids after its edits.

    Args:
        ids: the tokens.
        source: for each token the index of a token of the original row: its own, or the first of the word it replaces.
        kept: for each token whether it is the original token itself.
    """

    ids: list[int]
    source: list[int]
    kept: list[bool]


STAND_IN = "\ue000"
"""Written in a text for a token of an unknown word or of a mask: no perturbation changes it."""
Change: TypeAlias = tuple[int, int, list[int]]
"""Start and end of a span of a row, and the tokens that take its place."""
IN_VAIN = 200
"""Number of texts after which the log warns of an edit that has changed none of them."""
logger = logging.getLogger(__name__)


class RowEditor:
    """Edits rows of token ids.

    Args:
        tokenizer: of the model.
        longest: largest number of tokens of a row; edits that would exceed it are left out. None: no limit.
    """

    def __init__(self, tokenizer: Any, longest: int | None = None) -> None:
        self.token_words = TokenWords(tokenizer)
        self._longest = longest
        self._mask: list[int] = [] if tokenizer.mask_token_id is None else [tokenizer.mask_token_id]
        self._stand_ins = {tokenizer.unk_token_id, tokenizer.mask_token_id}
        """Special tokens that replace words."""
        self._in_vain: dict[str, int | None] = {}
        """Edit -> number of texts that it has not changed; None as soon as it has changed one, or after the warning."""

    @cached_property
    def _synonyms(self) -> Synonyms:
        return load_synonyms()

    @cached_property
    def _token_dropout(self) -> TokenDropout:
        return TokenDropout(self.token_words.tokenizer)

    def edit(
        self,
        ids: Sequence[int],
        edits: Sequence[Edit],
        generator: random.Random,
        weights: Sequence[float] | None = None,
    ) -> EditedRow:
        """The row with some of its words changed.

        Args:
            ids: token ids without padding.
            edits: of the view; at most one is made to a word.
            generator: source of the random choices.
            weights: how much the loss depends on each token, at least 0; None: all words are drawn uniformly.
        """
        text_edits = [edit for edit in edits if _rewrites_texts(edit)]
        word_edits = [edit for edit in edits if edit not in text_edits]
        row = EditedRow(list(ids), list(range(len(ids))), [True] * len(ids))
        for edit in text_edits:
            before = row.ids
            row = self._rewritten(row, PERTURBATIONS[edit.name], _drawn_rate(edit, generator), generator)
            self._count(edit.name, changed=row.ids != before)
            weights = None
        words = self.token_words.words(row.ids)
        chosen = _chosen_words(words, word_edits, generator, weights)
        replacements = self._replacements(row.ids, words, chosen, generator)
        changes = [(words[i].start, words[i].end, replacements[i]) for i in sorted(replacements)]
        effective = {chosen[i] for i, new in replacements.items() if new != row.ids[words[i].start : words[i].end]}
        for edit in word_edits:
            self._count(edit.name, changed=edit.name in effective)
        edited = self._with_changes(row, changes)
        return edited if edited.ids else row  # a model cannot read a text without tokens

    def _count(self, name: str, *, changed: bool) -> None:
        """Count a text that an edit has changed or not, and warn of an edit that changes nothing."""
        texts = self._in_vain.get(name, 0)
        self._in_vain[name] = None if changed or texts is None else texts + 1
        if self._in_vain[name] == IN_VAIN:
            self._in_vain[name] = None
            _warn_in_vain(name, self.token_words.tokenizer.name_or_path)

    def _replacements(
        self, ids: list[int], words: list[TokenWord], chosen: dict[int, str], generator: random.Random
    ) -> dict[int, list[int]]:
        """Index of a word -> the tokens to put in its place."""
        replacements: dict[int, list[int]] = {}
        texts: dict[int, str] = {}
        for index, name in chosen.items():
            word = words[index]
            if name == MASK:
                replacements[index] = self._mask if self._mask and generator.random() >= 0.5 else []
            elif name == TOKENS:
                replacements[index] = self._token_dropout(ids[word.start : word.end], generator)
            else:
                candidates = self._candidates(name, word.text, generator)
                if candidates:
                    texts[index] = generator.choice(candidates)
        encoded = self.token_words.encode(list(texts.values()), [words[index].spaced for index in texts])
        return replacements | dict(zip(texts, encoded, strict=True))

    def _candidates(self, name: str, word: str, generator: random.Random) -> Sequence[str]:
        if name == WORDS:
            return self._synonyms(word)
        perturbation = PERTURBATIONS[name]
        assert isinstance(perturbation, WordPerturbation)
        return perturbation.candidates(word, generator)

    def _rewritten(
        self, row: EditedRow, perturbation: Perturbation, rate: float, generator: random.Random
    ) -> EditedRow:
        """The row after a perturbation of each whole text between special tokens, cut to the largest length."""
        changes = []
        for start, end in self._texts(row.ids):
            text, stand_ins = self._read(row.ids[start:end])
            changed = perturbation(text, rate, generator) if text else text
            if changed != text and changed.count(STAND_IN) == len(stand_ins):
                changes.append((start, end, self._written(changed, stand_ins)))
        return self._with_changes(row, changes, cut=True)

    def _read(self, ids: Sequence[int]) -> tuple[str, list[int]]:
        """The text of tokens, with `STAND_IN` for each token that stands for a word, and those tokens."""
        places = [i for i, token in enumerate(ids) if token in self._stand_ins]
        if not places:
            return self.token_words.decode(ids), []
        parts = [ids[after + 1 : before] for after, before in zip([-1, *places], [*places, len(ids)], strict=True)]
        return f" {STAND_IN} ".join(self.token_words.decode(part).strip() for part in parts), [ids[i] for i in places]

    def _written(self, text: str, stand_ins: Sequence[int]) -> list[int]:
        """The tokens of a text from `_read` after its change."""
        parts = text.split(STAND_IN)
        spaced = [parts[0].startswith(" "), *[True] * len(stand_ins)]
        filled = [i for i, part in enumerate(parts) if part.strip()]
        rows = self.token_words.encode([parts[i].strip() for i in filled], [spaced[i] for i in filled])
        encoded = dict(zip(filled, rows, strict=True))
        tokens = encoded.get(0, [])
        for i, stand_in in enumerate(stand_ins, start=1):
            tokens = [*tokens, stand_in, *encoded.get(i, [])]
        return tokens

    def _with_changes(self, row: EditedRow, changes: Iterable[Change], *, cut: bool = False) -> EditedRow:
        """The row with new tokens in place of some spans.

        Args:
            row: the row; it is not changed.
            changes: from left to right.
            cut: cut a change that would make the row too long; otherwise the change is left out.
        """
        ids: list[int] = []
        source: list[int] = []
        kept: list[bool] = []
        done, room = 0, sys.maxsize if self._longest is None else max(self._longest - len(row.ids), 0)
        for start, end, new_tokens in changes:
            tokens = new_tokens[: room + end - start] if cut else new_tokens
            growth = len(tokens) - (end - start)
            if growth > room:
                continue
            room -= growth
            ids += [*row.ids[done:start], *tokens]
            source += [*row.source[done:start], *[row.source[start]] * len(tokens)]
            kept += [*row.kept[done:start], *[False] * len(tokens)]
            done = end
        return EditedRow(ids + row.ids[done:], source + row.source[done:], kept + row.kept[done:])

    def _texts(self, ids: list[int]) -> list[tuple[int, int]]:
        """The row cut into texts and the special tokens between them, as (start, end); stand-ins are in the texts."""
        separators = self.token_words.special_ids - self._stand_ins
        starts = [i for i in range(len(ids)) if not i or ids[i] in separators or ids[i - 1] in separators]
        return list(zip(starts, [*starts[1:], len(ids)], strict=True))


@cache  # once: the cost of a step is measured by another editor
def _warn_in_vain(name: str, tokenizer: str) -> None:
    """Warn of an edit that changes nothing with the tokenizer of this name."""
    logger.warning(
        "the edit %s has changed none of the first %d texts: choose another for this language and tokenizer "
        "(lists of words are English, and a tokenizer may read each Chinese character as a word).",
        name,
        IN_VAIN,
    )


def _rewrites_texts(edit: Edit) -> bool:
    """Whether an edit changes a text as a whole; the others change single words."""
    perturbation = PERTURBATIONS.get(edit.name)
    return perturbation is not None and not isinstance(perturbation, WordPerturbation)


def _drawn_rate(edit: Edit, generator: random.Random) -> float:
    """The share of the words of one example that an edit changes."""
    return generator.uniform(0.0, 2.0 * edit.rate)


def _chosen_words(
    words: Sequence[TokenWord], edits: Sequence[Edit], generator: random.Random, weights: Sequence[float] | None
) -> dict[int, str]:
    """Index of a word -> the edit to make to it."""
    counts = {edit.name: int(_drawn_rate(edit, generator) * len(words) + generator.random()) for edit in edits}
    kinds = [name for name, count in counts.items() for _ in range(count)]
    if len(kinds) > len(words):
        kinds = generator.sample(kinds, len(words))
    uniform = 1.0 / max(len(words), 1)
    shares = [uniform] * len(words)
    if weights is not None:
        importance = [sum(weights[word.start : word.end]) for word in words]
        total = sum(importance)
        if total > 0:
            shares = [0.5 * uniform + 0.5 * value / total for value in importance]
    # Efraimidis and Spirakis 2006: the largest u ** (1 / share) are a draw without replacement in proportion to them.
    # Their logarithms do not underflow in a long text.
    keys = [math.log(max(generator.random(), 1e-300)) / share for share in shares]
    drawn = sorted(range(len(words)), key=keys.__getitem__, reverse=True)[: len(kinds)]
    generator.shuffle(kinds)
    return dict(zip(drawn, kinds, strict=True))
