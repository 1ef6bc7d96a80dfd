"""What every attack on the text is, and the engine that runs it on many examples at once.

An attack is written for one example, as a generator: it yields candidate texts and is sent back what the model
makes of them. The engine runs the generators of many examples side by side and scores all their candidates in one
go, so that batches are full although each example is searched step by step.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from uegr.data.splits import LABEL
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.sentence_encoder import SentenceEncoder
from uegr.modeling.metrics import Probabilities

Texts = tuple[str, ...]
"""The text columns of one example. An attack rewrites the last: the sentence, or the second of a pair."""
SIDE_BY_SIDE = 64


@dataclass(frozen=True)
class Request:
    """Candidates that an attack wants to see scored.

    Args:
        candidates: texts.
        original: compare the candidates with this text, where an encoder is at hand; None: no need.
    """

    candidates: list[Texts]
    original: Texts | None = None


@dataclass(frozen=True)
class Scores:
    """What the model makes of the candidates: probabilities (n, C), and cosines (n,) to the original, 1 where
    nobody asked or nobody can tell."""

    probabilities: Probabilities
    similarity: NDArray[np.float64]


Search = Generator[Request, Scores, Texts | None]


@dataclass(frozen=True)
class TextAttack(ABC):
    """A search for a text that fools the model. Args: seed, of what is random."""

    seed: int = 0

    name: ClassVar[str]

    def options(self) -> dict[str, Any]:
        """What decides the attack, for results.json."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @abstractmethod
    def search(self, texts: Texts, label: int, generator: random.Random) -> Search:
        """Look for a text near `texts`, which the model classifies right, that it classifies wrong.

        Yields requests, is sent their scores, returns the fooling text or None.
        """


@dataclass(frozen=True)
class AttackOutcome:
    """What became of one example: its texts, the fooling ones if any, the class before and after, the queries."""

    before: Texts
    label: int
    right: bool
    after: Texts | None
    predicted: int
    queries: int


def attack_texts(
    subject: EvaluatedModel,
    rows: Dataset,
    attack: TextAttack,
    encoder: SentenceEncoder | None = None,
    on_batch: Callable[[int], None] = lambda examples: None,
) -> list[AttackOutcome]:
    """Attack every row; one that the model classifies wrong is left alone.

    Args:
        subject: the model.
        rows: text and "label".
        attack: which.
        encoder: tells how similar candidates are; None: nobody can tell.
        on_batch: told the number of examples done.
    """
    examples = list(zip(*(rows[column] for column in subject.text_columns), strict=True))
    labels = [int(label) for label in rows[LABEL]]
    before = subject.probabilities_of(examples).argmax(axis=1) if examples else []
    outcomes: list[AttackOutcome] = []
    for at in range(0, len(examples), SIDE_BY_SIDE):
        group = range(at, min(at + SIDE_BY_SIDE, len(examples)))
        searches = {
            i: attack.search(examples[i], labels[i], random.Random(f"{attack.seed}:{i}"))
            for i in group
            if before[i] == labels[i]
        }
        fooling, queries = _run(subject, searches, encoder)
        found = [one for one in fooling.values() if one is not None]
        after = iter(subject.probabilities_of(found).argmax(axis=1) if found else [])
        for i in group:
            text = fooling.get(i)
            predicted = int(before[i]) if text is None else int(next(after))
            right = before[i] == labels[i]
            outcomes.append(AttackOutcome(examples[i], labels[i], bool(right), text, predicted, 1 + queries.get(i, 0)))
        on_batch(len(group))
    return outcomes


def _run(
    subject: EvaluatedModel, searches: dict[int, Search], encoder: SentenceEncoder | None
) -> tuple[dict[int, Texts | None], dict[int, int]]:
    """Run searches side by side: what each has found, in the order of the examples, and the queries it made."""
    found: dict[int, Texts | None] = dict.fromkeys(searches)
    queries = dict.fromkeys(searches, 0)
    waiting: dict[int, Request] = {}

    def go_on(i: int, scores: Scores | None) -> None:
        try:
            waiting[i] = next(searches[i]) if scores is None else searches[i].send(scores)
        except StopIteration as end:
            waiting.pop(i, None)
            found[i] = end.value

    for i in searches:
        go_on(i, None)
    while waiting:
        asked = dict(waiting)
        probabilities = subject.probabilities_of([text for one in asked.values() for text in one.candidates])
        similarities = _similarities(list(asked.values()), encoder)
        at = 0
        for (i, request), similarity in zip(asked.items(), similarities, strict=True):
            count = len(request.candidates)
            queries[i] += count
            go_on(i, Scores(probabilities[at : at + count], similarity))
            at += count
    return found, queries


def _similarities(requests: Sequence[Request], encoder: SentenceEncoder | None) -> list[NDArray[np.float64]]:
    """The cosines each request asks for, from one run of the encoder."""
    ones = [np.ones(len(request.candidates)) for request in requests]
    asked = [request for request in requests if request.original is not None]
    if encoder is None or not asked:
        return ones
    pairs = [(request.original[-1], one[-1]) for request in asked for one in request.candidates if request.original]
    cosines = iter(np.split(encoder.cosines(pairs), np.cumsum([len(request.candidates) for request in asked])[:-1]))
    return [one if request.original is None else next(cosines) for request, one in zip(requests, ones, strict=True)]
