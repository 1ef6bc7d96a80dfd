"""Edit the text of one row of token ids: first whole texts, then single words. What a word becomes is random."""

import random
import sys
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from uegr.perturb.edited_row import EditedRow
from uegr.perturb.edits_without_effect import EffectCount
from uegr.perturb.perturbation import WordPerturbation
from uegr.perturb.perturbation_registry import PERTURBATIONS
from uegr.perturb.token_dropout import TokenDropout
from uegr.perturb.token_words import TokenWord, TokenWords
from uegr.perturb.views import MASK, TOKENS, Edit
from uegr.perturb.whole_texts import TextRewriter
from uegr.perturb.word_choice import choose_words


class RowEditor:
    """Edits rows of token ids.

    Args:
        tokenizer: of the model.
        longest: largest number of tokens of a row; edits that would exceed it are left out. None: no limit.
    """

    def __init__(self, tokenizer: Any, longest: int | None = None) -> None:
        self.token_words = TokenWords(tokenizer)
        self._rewriter = TextRewriter(self.token_words)
        self._longest = sys.maxsize if longest is None else longest
        self._mask: list[int] = [] if tokenizer.mask_token_id is None else [tokenizer.mask_token_id]
        self._effects = EffectCount(tokenizer.name_or_path)

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
        row = EditedRow.unedited(ids)
        for edit in edits:
            if edit.rewrites_texts:
                row, weights = self._rewritten(row, edit, generator), None
        word_edits = [edit for edit in edits if not edit.rewrites_texts]
        return self._with_words_edited(row, word_edits, generator, weights)

    def _rewritten(self, row: EditedRow, edit: Edit, generator: random.Random) -> EditedRow:
        """The row after an edit of each whole text, cut to the largest length."""
        rate = edit.draw_rate(generator)
        changes = self._rewriter.changes(row.ids, PERTURBATIONS[edit.name], rate, generator)
        rewritten = row.with_changes(changes, self._longest, cut=True)
        self._effects.add(edit.name, changed=rewritten.ids != row.ids)
        return rewritten

    def _with_words_edited(
        self, row: EditedRow, edits: Sequence[Edit], generator: random.Random, weights: Sequence[float] | None
    ) -> EditedRow:
        """The row after the edits of single words; changes that would make it too long are left out."""
        words = self.token_words.words(row.ids)
        chosen = choose_words(words, edits, generator, weights)
        replacements = self._replacements(row.ids, words, chosen, generator)
        changes = [(words[i].start, words[i].end, replacements[i]) for i in sorted(replacements)]
        effective = {chosen[i] for i, new in replacements.items() if new != row.ids[words[i].start : words[i].end]}
        for edit in edits:
            self._effects.add(edit.name, changed=edit.name in effective)
        edited = row.with_changes(changes, self._longest)
        return edited if edited.ids else row  # a model cannot read a text without tokens

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
                perturbation = PERTURBATIONS[name]
                assert isinstance(perturbation, WordPerturbation)
                if candidates := perturbation.candidates(word.text, generator):
                    texts[index] = generator.choice(candidates)
        encoded = self.token_words.encode(list(texts.values()), [words[index].spaced for index in texts])
        return replacements | dict(zip(texts, encoded, strict=True))
