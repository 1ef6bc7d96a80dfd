"""What a search for a text is, and the engine that runs many side by side.

A search is written for one example, as a generator: it yields candidate texts and is sent what the model predicts for
them. The engine runs the generators of many examples side by side and scores all their candidates together, so that
batches are full although each example is searched step by step.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from uegr.evaluation.attacks.attack_results import Texts
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.sentence_encoder import SentenceEncoder


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


def with_ending(rest: str, search: Search) -> Search:
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


def run_searches(
    evaluated: EvaluatedModel, searches: dict[int, Search], encoder: SentenceEncoder | None
) -> SearchResults:
    """Run searches side by side to their ends.

    Args:
        evaluated: the model.
        searches: by the index of their example.
        encoder: measures how similar candidates are; None: all cosines are 1.
    """
    rounds = search_rounds(evaluated, searches, encoder)
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
