"""Greedy search finds the words that matter, and keeps to its budget."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence

import numpy as np
import pytest
from datasets import Dataset

from conftest import BAD
from support.text_attacks import Opposites, robust_share
from uegr.evaluation.attacks.attack_results import AttackOutcome
from uegr.evaluation.attacks.text_attack import attack_texts
from uegr.evaluation.attacks.text_search import Request, SimilarityRequest, search_rounds
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.perturb.words import words_of


def changed(outcome: AttackOutcome) -> int:
    assert outcome.after is not None
    return sum(a != b for a, b in zip(words_of(outcome.before[0]), words_of(outcome.after[0]), strict=True))


def test_greedy_search_flips_labels_with_words_that_matter_and_within_its_budget(
    evaluated: EvaluatedModel, rows: Dataset
) -> None:
    outcomes = attack_texts(evaluated, rows, Opposites(max_share=1.0))
    assert robust_share(outcomes) < 0.1
    for outcome in outcomes:
        if outcome.after is None:
            continue
        old, new = words_of(outcome.before[0]), words_of(outcome.after[0])
        assert old[-1] == new[-1], "the filler decides nothing and has no candidates"
        assert outcome.predicted != outcome.label
        # One clean query, one per word that matters, three per word that was tried.
        assert outcome.queries <= 1 + 3 + 3 * 3
    assert min(changed(outcome) for outcome in outcomes if outcome.after) < 3, "greedy stops as soon as the model errs"
    small = attack_texts(evaluated, rows, Opposites(max_share=0.25))
    assert robust_share(small) >= robust_share(outcomes)
    assert all(changed(outcome) == 1 for outcome in small if outcome.after)


def test_words_that_the_model_does_not_read_are_not_tried(evaluated: EvaluatedModel, rows: Dataset) -> None:
    short = rows.select(range(8))
    rest = " good bad" * 300
    long = short.map(lambda row: {"text": row["text"] + rest}, keep_in_memory=True)
    cutting = copy.copy(evaluated)
    cutting.cut_to(2 + max(len(ids) for ids in evaluated.tokenizer(short["text"][:])["input_ids"]))
    outcomes = attack_texts(cutting, long, Opposites(max_share=1.0))
    assert all(outcome.queries < 40 for outcome in outcomes)
    fooled = [outcome for outcome in outcomes if outcome.after]
    assert fooled and all(outcome.after[0].endswith(" good bad" * 250) for outcome in fooled)


def test_a_search_tells_each_change_that_it_keeps(evaluated: EvaluatedModel, rows: Dataset) -> None:
    attack, text, label = Opposites(max_share=1.0), (rows["text"][0],), int(rows["label"][0])
    kept: list[tuple[str, ...]] = []
    rounds = search_rounds(evaluated, {0: attack.search(text, label, random.Random(0), kept.append)}, None)
    seen = [len(kept) for _ in rounds]
    (outcome,) = attack_texts(evaluated, rows.select([0]), attack)
    assert kept[-1] == outcome.after
    assert seen[0] == 0, "the first round only finds out which words matter"
    assert seen == sorted(seen) and seen[-1] == len(kept) == changed(outcome)


def answered(
    answers: Sequence[Sequence[float] | Sequence[Sequence[float]]],
) -> tuple[list[type], tuple[str, ...] | None]:
    """What a search for "good film" (class 0) asks for, in order, and what it returns, given these answers."""
    search = Opposites(similarity=0.8).search(("good film",), 0, random.Random(0), clean=1.0)
    asked: list[Request | SimilarityRequest] = [next(search)]
    try:
        for answer in answers:
            asked.append(search.send(np.array(answer)))
    except StopIteration as end:
        return [type(question) for question in asked], end.value
    raise AssertionError("the search asks for more")


IMPORTANCE = [[0.5, 0.3, 0.2]]
IMPORTANCE_OF_TWO = [[0.5, 0.5]]


def test_only_texts_that_could_be_kept_are_compared_with_the_original() -> None:
    """Each rewriting of the only word, as in BAD: the encoder reads those that fool the model, or else nothing new."""
    certain = [[0.9, 0.1, 0.0]] * len(BAD)
    fooling = [[0.1, 0.9, 0.0], *certain[1:]]
    assert answered([IMPORTANCE, fooling, [0.9]]) == ([Request, Request, SimilarityRequest], (f"{BAD[0]} film",))
    # The one that fools is not similar enough, so that the others are compared; none of them fools.
    assert answered([IMPORTANCE, fooling, [0.7], [0.9] * (len(BAD) - 1)]) == (
        [Request, Request, SimilarityRequest, SimilarityRequest],
        None,
    )


def test_a_text_that_fools_the_model_ends_the_search_although_another_is_nearer_to_an_error() -> None:
    """Of three classes the right one may be less likely where it still wins than where it has lost."""
    near, fooling = [0.34, 0.33, 0.33], [0.45, 0.55, 0.0]
    others = [[0.9, 0.1, 0.0]] * (len(BAD) - 2)
    assert answered([IMPORTANCE, [near, fooling, *others], [0.9]])[1] == (f"{BAD[1]} film",)


def test_a_first_change_that_makes_the_model_surer_is_not_kept() -> None:
    attack, texts, kept = Opposites(), ("good film",), list[tuple[str, ...]]()
    search = attack.search(texts, 0, random.Random(0), kept.append)
    next(search)
    request = search.send(np.array(IMPORTANCE_OF_TWO))
    assert isinstance(request, Request) and request.candidates == [texts], "driven by hand, the search asks for it"
    search.send(np.array([[0.6, 0.4]]))
    with pytest.raises(StopIteration):
        search.send(np.array([[0.7, 0.3]] * len(BAD)))
    assert not kept


def test_the_probability_of_the_original_costs_no_query() -> None:
    search = Opposites().start(("good film",), 0, random.Random(0), np.array([0.6, 0.4]))
    request = next(search)
    assert isinstance(request, Request) and request.candidates == [(" film",)]
    search.send(np.array(IMPORTANCE_OF_TWO))
    with pytest.raises(StopIteration):
        search.send(np.array([[0.7, 0.3]] * len(BAD)))


def test_the_share_of_the_words_is_not_rounded_down_by_floating_point() -> None:
    kept: list[tuple[str, ...]] = []
    search = Opposites(max_share=0.29).search(("good " * 100,), 0, random.Random(0), kept.append, clean=1.0)
    next(search)
    answer = np.array([[0.9, 0.1]] * 100)
    with pytest.raises(StopIteration):
        for step in range(100):
            request = search.send(answer)
            assert isinstance(request, Request)
            answer = np.array([[0.8 - step / 1000, 0.0]] * len(request.candidates))
            answer[:, 1] = 1 - answer[:, 0]
    assert len(kept) == 29
