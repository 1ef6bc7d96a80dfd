"""Greedy search finds the words that matter, and keeps to its budget."""

from __future__ import annotations

from datasets import Dataset

from support.text_attacks import Opposites, robust_share
from uegr.evaluation.attacks.attack_results import AttackOutcome
from uegr.evaluation.attacks.text_attack import attack_texts
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.perturb.words import words_of


def changed(one: AttackOutcome) -> int:
    assert one.after is not None
    return sum(a != b for a, b in zip(words_of(one.before[0]), words_of(one.after[0]), strict=True))


def test_greedy_search_flips_labels_with_words_that_matter_and_within_its_budget(
    evaluated: EvaluatedModel, rows: Dataset
) -> None:
    outcomes = attack_texts(evaluated, rows, Opposites(max_share=1.0))
    assert robust_share(outcomes) < 0.1
    for one in outcomes:
        if one.after is None:
            continue
        old, new = words_of(one.before[0]), words_of(one.after[0])
        assert old[-1] == new[-1], "the filler decides nothing and has no candidates"
        assert one.predicted != one.label
        # Clean, one a word that matters, three a word that was tried.
        assert one.queries <= 1 + 3 + 3 * 3
    assert min(changed(one) for one in outcomes if one.after) < 3, "greedy stops as soon as the model errs"
    small = attack_texts(evaluated, rows, Opposites(max_share=0.25))
    assert robust_share(small) >= robust_share(outcomes)
    assert all(changed(one) == 1 for one in small if one.after)
