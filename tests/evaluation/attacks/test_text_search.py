"""Searches that run side by side."""

from __future__ import annotations

import random

from datasets import Dataset

from uegr.evaluation.attacks.attack_results import Texts
from uegr.evaluation.attacks.text_attack import TextAttack, attack_texts
from uegr.evaluation.attacks.text_search import Search, SimilarityRequest, first_that_fools
from uegr.evaluation.evaluated_model import EvaluatedModel


class NoCandidates(TextAttack):
    """Asks about no text at all."""

    name = "no-candidates"

    def search(self, texts: Texts, label: int, generator: random.Random) -> Search:
        yield SimilarityRequest([], texts)
        return (yield from first_that_fools([], label))


def test_a_search_without_candidates_ends(evaluated: EvaluatedModel, rows: Dataset) -> None:
    outcomes = attack_texts(evaluated, rows.select(range(3)), NoCandidates())
    assert [(outcome.after, outcome.queries) for outcome in outcomes] == [(None, 1)] * 3
