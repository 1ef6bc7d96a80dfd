"""Greedy search finds the words that matter, and keeps to its budget."""

from __future__ import annotations

import random

from datasets import Dataset

from support.text_attacks import Opposites, robust_share
from uegr.evaluation.attacks.attack_results import AttackOutcome
from uegr.evaluation.attacks.text_attack import attack_texts, search_rounds
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


def test_a_search_tells_each_change_that_it_keeps(evaluated: EvaluatedModel, rows: Dataset) -> None:
    attack, text, label = Opposites(max_share=1.0), (rows["text"][0],), int(rows["label"][0])
    kept: list[tuple[str, ...]] = []
    rounds = search_rounds(evaluated, {0: attack.search(text, label, random.Random(0), kept.append)}, None)
    seen = [len(kept) for _ in rounds]
    (outcome,) = attack_texts(evaluated, rows.select([0]), attack)
    assert kept[-1] == outcome.after
    assert seen[0] == 0, "the first round only finds out which words matter"
    assert seen == sorted(seen) and seen[-1] == len(kept) == changed(outcome)
