"""The base of all attacks on the text, and the engine that runs one on many examples at once.

An attack is written for one example, as a generator: it yields candidate texts and is sent what the model predicts for
them. The engine runs the generators of many examples side by side and scores all their candidates together, so that
batches are full although each example is searched step by step.
"""

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeAlias

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedTokenizerBase

from uegr.data.splits import LABEL
from uegr.errors import UsageError, shown
from uegr.evaluation.attacks.attack_names import check_name
from uegr.evaluation.attacks.attack_results import AttackOutcome, TextAttackResult, Texts
from uegr.evaluation.attacks.attacked_batch import examples_of
from uegr.evaluation.attacks.attacked_classes import check_classes
from uegr.evaluation.evaluated_model import EvaluatedModel, OnBatch
from uegr.evaluation.model_state import evaluation_mode
from uegr.evaluation.sentence_encoder import SentenceEncoder, load_encoder
from uegr.options import check_plain_fields

SIDE_BY_SIDE = 64
"""Number of examples whose searches run together."""


@dataclass(frozen=True)
class Request:
    """A request for class probabilities; the answer is an array of shape (n, C).

    Args:
        candidates: n texts.
    """

    candidates: list[Texts]


@dataclass(frozen=True)
class SimilarityRequest:
    """A request for cosines to an original; the answer is an array of shape (n,), of ones if there is no encoder.

    Args:
        candidates: n texts.
        original: the texts that they are compared with.
    """

    candidates: list[Texts]
    original: Texts


Search: TypeAlias = Generator[Request | SimilarityRequest, NDArray[np.float64], Texts | None]
SearchResults: TypeAlias = tuple[dict[int, Texts | None], dict[int, int]]
"""By the index of the example: the texts that fool the model, or None; and the number of queries."""
OnChange: TypeAlias = Callable[[Texts], None]
"""Called with the text after each change that a search keeps."""


def first_that_fools(attempts: list[Texts], label: int) -> Search:
    """Score the attempts and return the first that the model classifies wrong, or None."""
    probabilities = yield Request(attempts)
    fooling = probabilities.argmax(axis=1) != label
    return attempts[int(fooling.argmax())] if fooling.any() else None


@dataclass(frozen=True)
class TextAttack(ABC):
    """A search for a text that fools the model.

    Args:
        seed: of the random choices.

    Raises:
        UsageError: an option has the wrong type, or is out of its range.
    """

    seed: int = 0

    name: ClassVar[str]

    def __post_init__(self) -> None:
        check_name(self)
        check_plain_fields(self)

    def options(self) -> dict[str, Any]:
        """The options of the attack, for results.json."""
        return {option.name: getattr(self, option.name) for option in fields(self)}

    @property
    def goes_by_words(self) -> bool:
        """Whether the search changes one word after another: it then gets only the words that the model reads."""
        return False

    @abstractmethod
    def search(self, texts: Texts, label: int, generator: random.Random) -> Search:
        """Look for texts that the model classifies wrong, near `texts`, which it classifies right.

        Yields a `Request` or a `SimilarityRequest`, is sent its answer, and so on; returns the texts that fool the
        model, or None.
        """

    def __call__(
        self,
        model: nn.Module,
        tokenizer: PreTrainedTokenizerBase,
        texts: Sequence[str | Texts],
        labels: Sequence[int],
        *,
        max_length: int = 128,
    ) -> TextAttackResult:
        """Attack texts. The model is left as it was.

        Args:
            model: a classifier whose forward takes what the tokenizer returns, and which returns `.logits`.
            tokenizer: its tokenizer.
            texts: one string per example, or for pairs one tuple of strings, whose last string is rewritten.
            labels: the class of each text.
            max_length: texts are cut to this number of tokens.

        Raises:
            UsageError: no texts, entries that are not texts, not as many labels, labels that are not classes of the
                model, or a model that is not a classifier.
        """
        if isinstance(texts, str) or not hasattr(labels, "__len__"):
            raise UsageError("texts and labels must be lists, one entry per example: write [text] and [label].")
        if tokenizer is None:
            raise UsageError("there is no tokenizer to read texts with: give the model's own, in the place of None.")
        examples = examples_of(texts)
        if not examples or len(examples) != len(labels):
            raise UsageError(f"{len(labels)} labels for {len(examples)} texts: give one label per text, at least one.")
        evaluated = EvaluatedModel(model, tokenizer, max_length=max_length)
        check_classes(model, evaluated.logits_of(examples[:1]).shape[1], labels)
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
    parts = evaluated.parts_of(examples) if examples and attack.goes_by_words else [(texts, "") for texts in examples]
    with evaluation_mode(evaluated.model):
        before = evaluated.probabilities_of(examples).argmax(axis=1) if examples else []
        for start in range(0, len(examples), SIDE_BY_SIDE):
            group = range(start, min(start + SIDE_BY_SIDE, len(examples)))
            searches = {
                i: _followed_by(rest, _checked(attack, read, labels[i], random.Random(f"{attack.seed}:{i}")))
                for i, (read, rest) in zip(group, parts[start:], strict=False)
                if before[i] == labels[i]
            }
            results, queries = _run(search_rounds(evaluated, searches, encoder))
            fooling = [texts for texts in results.values() if texts is not None]
            after = iter(evaluated.probabilities_of(fooling).argmax(axis=1) if fooling else [])
            for i in group:
                texts = results.get(i)
                predicted = int(before[i]) if texts is None else int(next(after))
                right = bool(before[i] == labels[i])
                outcomes.append(AttackOutcome(examples[i], labels[i], right, texts, predicted, 1 + queries.get(i, 0)))
            on_batch(len(group))
    return outcomes


def _checked(attack: TextAttack, texts: Texts, label: int, generator: random.Random) -> Search:
    """The search of an attack, which may be a user's own.

    Raises:
        UsageError: it yields or returns something else than `TextAttack.search` says.
    """
    name, search = type(attack).__name__, attack.search(texts, label, generator)
    if not isinstance(search, Generator):
        raise UsageError(f"{name}.search() must be a generator: yield Request(candidates), and return texts or None.")
    answer, fooling = None, set[Texts]()
    while True:
        try:
            request = next(search) if answer is None else search.send(answer)
        except StopIteration as end:
            found: Texts | None = end.value
            if found is None:
                return None
            _check_texts(name, found, texts)
            if found not in fooling:
                raise UsageError(
                    f"{name}.search() has returned a text that it has not seen to fool the model: return a candidate "
                    "of a Request whose largest probability is not that of the label, or None."
                ) from None
            return found
        if not isinstance(request, Request | SimilarityRequest):
            raise UsageError(f"{name}.search() must yield a Request or a SimilarityRequest, not {shown(request)}.")
        for candidate in request.candidates:
            _check_texts(name, candidate, texts)
        answer = yield request
        if isinstance(request, Request):
            wrong = answer.argmax(axis=1) != label if request.candidates else []
            fooling |= {texts for texts, fools in zip(request.candidates, wrong, strict=True) if fools}


def _check_texts(attack: str, candidate: Any, texts: Texts) -> None:
    is_texts = isinstance(candidate, tuple) and all(isinstance(text, str) for text in candidate)
    if not is_texts or len(candidate) != len(texts):
        given = f"a tuple of {len(candidate)}" if is_texts else shown(candidate)
        raise UsageError(
            f"{attack}.search() must give each candidate as it gets the texts, a tuple of {len(texts)} strings, not "
            f"{given}: write (*texts[:-1], changed)."
        )


def _followed_by(rest: str, search: Search) -> Search:
    """A search among texts that end with `rest`, which it does not see."""

    def whole(texts: Texts) -> Texts:
        return (*texts[:-1], texts[-1] + rest)

    answer = None
    while True:
        try:
            request = next(search) if answer is None else search.send(answer)
        except StopIteration as end:
            return None if end.value is None else whole(end.value)
        if isinstance(request, Request):
            request = Request([whole(texts) for texts in request.candidates])
        answer = yield request


def _run(rounds: Generator[None, None, SearchResults]) -> SearchResults:
    """Run all rounds of `search_rounds`, and return its results."""
    while True:
        try:
            next(rounds)
        except StopIteration as end:
            results: SearchResults = end.value
            return results


def search_rounds(
    evaluated: EvaluatedModel, searches: dict[int, Search], encoder: SentenceEncoder | None
) -> Generator[None, None, SearchResults]:
    """Run searches side by side. Each round computes the requests of all searches together, then yields."""
    results: dict[int, Texts | None] = dict.fromkeys(searches)
    queries = dict.fromkeys(searches, 0)
    waiting: dict[int, Request | SimilarityRequest] = {}

    def advance(i: int, answer: NDArray[np.float64] | None) -> None:
        try:
            waiting[i] = next(searches[i]) if answer is None else searches[i].send(answer)
        except StopIteration as end:
            waiting.pop(i, None)
            results[i] = end.value

    for i in searches:
        advance(i, None)
    while waiting:
        requests = {i: request for i, request in waiting.items() if isinstance(request, Request)}
        compared = {i: request for i, request in waiting.items() if isinstance(request, SimilarityRequest)}
        for i, answer in {**_probabilities(requests, evaluated), **_similarities(compared, encoder)}.items():
            if i in requests:
                queries[i] += len(answer)
            advance(i, answer)
        yield
    return results, queries


def _probabilities(requests: Mapping[int, Request], evaluated: EvaluatedModel) -> dict[int, NDArray[np.float64]]:
    """The answer to each request, from one run of the model."""
    texts = [text for request in requests.values() for text in request.candidates]
    return _split(evaluated.probabilities_of(texts) if texts else np.empty((0, 1)), requests)


def _similarities(
    requests: Mapping[int, SimilarityRequest], encoder: SentenceEncoder | None
) -> dict[int, NDArray[np.float64]]:
    """The answer to each request, from one run of the encoder."""
    pairs = [(request.original[-1], text[-1]) for request in requests.values() for text in request.candidates]
    return _split(encoder.cosines(pairs) if encoder and pairs else np.ones(len(pairs)), requests)


def _split(
    values: NDArray[np.float64], requests: Mapping[int, Request] | Mapping[int, SimilarityRequest]
) -> dict[int, NDArray[np.float64]]:
    """The values of all candidates, (n,) or (n, C), divided among the searches that requested them."""
    ends = np.cumsum([len(request.candidates) for request in requests.values()])
    return dict(zip(requests, np.split(values, ends[:-1]), strict=True)) if requests else {}
