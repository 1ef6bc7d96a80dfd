"""The base of all attacks on the text: a search for one example, run on many examples at once."""

import random
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedTokenizerBase

from uegr.data.splits import LABEL
from uegr.errors import UsageError
from uegr.evaluation.attacks.attack_base import BaseAttack
from uegr.evaluation.attacks.attack_results import AttackOutcome, TextAttackResult, Texts
from uegr.evaluation.attacks.attacked_batch import examples_of
from uegr.evaluation.attacks.attacked_classes import check_attackable
from uegr.evaluation.attacks.search_checks import checked_search
from uegr.evaluation.attacks.text_search import Search, run_searches, with_ending
from uegr.evaluation.evaluated_model import EvaluatedModel, OnBatch
from uegr.evaluation.model_state import evaluation_mode
from uegr.evaluation.sentence_encoder import SentenceEncoder, load_encoder
from uegr.evaluation.truncated_texts import read_and_rest
from uegr.modeling.tokenizer_match import check_match

SIDE_BY_SIDE = 64
"""Number of examples whose searches run together."""


@dataclass(frozen=True)
class TextAttack(BaseAttack):
    """A search for a text that fools the model.

    Args:
        seed: of the random choices.

    Raises:
        UsageError: an option has the wrong type, or is out of its range.
    """

    seed: int = 0

    @property
    def goes_by_words(self) -> bool:
        """Whether the search changes one word after another: it then gets only the words that the model reads."""
        return False

    @abstractmethod
    def search(self, texts: Texts, label: int, generator: random.Random) -> Search:
        """Look for texts that the model classifies wrong, near `texts`, which it classifies correctly.

        Yields a `Request` or a `SimilarityRequest`, is sent its answer, and so on; returns the texts that fool the
        model, or None.
        """

    def start(self, texts: Texts, label: int, generator: random.Random, clean: NDArray[np.float64]) -> Search:
        """`search`, for an attack that uses the class probabilities of the original, (C,), which cost no query."""
        return self.search(texts, label, generator)

    def __call__(
        self,
        model: nn.Module,
        tokenizer: PreTrainedTokenizerBase,
        texts: Sequence[str | Texts],
        labels: Sequence[int],
        *,
        max_length: int = 128,
        temperature: float = 1.0,
    ) -> TextAttackResult:
        """Attack texts. The model is left as it was.

        Args:
            model: a classifier whose forward takes what the tokenizer returns, and which returns `.logits`.
            tokenizer: its tokenizer.
            texts: one string per example, or for pairs one tuple of strings, whose last string is rewritten.
            labels: the class of each text.
            max_length: texts are cut to this number of tokens.
            temperature: the search sees the probabilities softmax(logits / temperature): that of calibrated
                probabilities, because a search is misled by a badly calibrated model (arXiv 2402.17509).

        Raises:
            UsageError: no texts, entries that are not texts, not as many labels, labels that are not classes of the
                model, a model that is not a classifier, or a tokenizer that does not fit the model.
        """
        if isinstance(texts, str) or not hasattr(labels, "__len__"):
            raise UsageError("texts and labels must be lists, one entry per example: write [text] and [label].")
        examples = examples_of(texts)
        if not examples or len(examples) != len(labels):
            raise UsageError(f"{len(labels)} labels for {len(examples)} texts: give one label per text, at least one.")
        check_match(model, tokenizer)
        evaluated = EvaluatedModel(model, tokenizer, max_length=max_length, temperature=temperature)
        check_attackable(model, evaluated.logits_of(examples[:1]).shape[1], labels)
        encoder = load_encoder() if getattr(self, "similarity", 0.0) else None
        return TextAttackResult(self.name, _attack(evaluated, examples, [int(y) for y in labels], self, encoder))


def attack_texts(
    evaluated: EvaluatedModel,
    rows: Dataset,
    attack: TextAttack,
    encoder: SentenceEncoder | None = None,
    on_batch: OnBatch = lambda examples: None,
) -> list[AttackOutcome]:
    """Attack every row; a row that the model classifies wrong is not attacked.

    Args:
        evaluated: the model.
        rows: text and "label".
        attack: the attack.
        encoder: measures how similar candidates are; None: candidates are not compared.
        on_batch: called after each group of examples.
    """
    return _attack(evaluated, evaluated.texts(rows), [int(label) for label in rows[LABEL]], attack, encoder, on_batch)


def _attack(
    evaluated: EvaluatedModel,
    examples: list[Texts],
    labels: list[int],
    attack: TextAttack,
    encoder: SentenceEncoder | None,
    on_batch: OnBatch = lambda examples: None,
) -> list[AttackOutcome]:
    """Attack the examples in groups of `SIDE_BY_SIDE`; see `attack_texts`."""
    outcomes: list[AttackOutcome] = []
    parts = read_and_rest(evaluated, examples) if examples and attack.goes_by_words else [(row, "") for row in examples]
    with evaluation_mode(evaluated.model):
        clean = evaluated.probabilities_of(examples) if examples else np.empty((0, 1))
        before = clean.argmax(axis=1)
        for start in range(0, len(examples), SIDE_BY_SIDE):
            group = range(start, min(start + SIDE_BY_SIDE, len(examples)))
            searches = {
                i: with_ending(rest, _search(attack, read, labels[i], random.Random(f"{attack.seed}:{i}"), clean[i]))
                for i, (read, rest) in zip(group, parts[start:], strict=False)
                if before[i] == labels[i]
            }
            results, queries = run_searches(evaluated, searches, encoder)
            fooling = [texts for texts in results.values() if texts is not None]
            after = iter(evaluated.probabilities_of(fooling).argmax(axis=1) if fooling else [])
            for i in group:
                texts = results.get(i)
                predicted = int(before[i]) if texts is None else int(next(after))
                correct = bool(before[i] == labels[i])
                outcomes.append(AttackOutcome(examples[i], labels[i], correct, texts, predicted, 1 + queries.get(i, 0)))
            on_batch(len(group))
    return outcomes


def _search(
    attack: TextAttack, texts: Texts, label: int, generator: random.Random, clean: NDArray[np.float64]
) -> Search:
    return checked_search(type(attack).__name__, attack.start(texts, label, generator, clean), texts, label)
