"""Attacks on the text: each finds what there is to find, counts its queries, and keeps to its constraints."""

from __future__ import annotations

import random
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from datasets import Dataset
from numpy.typing import NDArray

from conftest import BAD, GOOD
from uegr.errors import UsageError
from uegr.evaluation.attacks.attack_summary import summary
from uegr.evaluation.attacks.deepwordbug import DeepWordBug
from uegr.evaluation.attacks.greedy_search import GreedyAttack
from uegr.evaluation.attacks.synonym_swap import SynonymSwap
from uegr.evaluation.attacks.text_attack import AttackOutcome, TextAttack, attack_texts
from uegr.evaluation.attacks.typing_errors import TypingErrors
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.perturb.words import words_of


@dataclass(frozen=True)
class Opposites(GreedyAttack):
    """Every good word may become a bad one, and the other way round: an attack that must succeed."""

    name = "opposites"

    def candidates(self, word: str, generator: random.Random) -> Sequence[str]:
        return BAD if word in GOOD else GOOD if word in BAD else []


def held(outcomes: list[AttackOutcome]) -> float:
    return float(np.mean([one.right and one.after is None for one in outcomes]))


def changed(one: AttackOutcome) -> int:
    assert one.after is not None
    return sum(a != b for a, b in zip(words_of(one.before[0]), words_of(one.after[0]), strict=True))


def test_greedy_search_flips_labels_with_words_that_matter_and_within_its_budget(
    subject: EvaluatedModel, rows: Dataset
) -> None:
    outcomes = attack_texts(subject, rows, Opposites(max_share=1.0))
    assert held(outcomes) < 0.1
    for one in outcomes:
        if one.after is None:
            continue
        old, new = words_of(one.before[0]), words_of(one.after[0])
        assert old[-1] == new[-1], "the filler decides nothing and has no candidates"
        assert one.predicted != one.label
        # Clean, one a word that matters, three a word that was tried.
        assert one.queries <= 1 + 3 + 3 * 3
    assert min(changed(one) for one in outcomes if one.after) < 3, "greedy stops as soon as the model errs"
    small = attack_texts(subject, rows, Opposites(max_share=0.25))
    assert held(small) >= held(outcomes)
    assert all(changed(one) == 1 for one in small if one.after)


@pytest.mark.parametrize("attack", [TypingErrors(rate=0.8), DeepWordBug(max_share=1.0)])
def test_spelling_attacks_fool_a_model_that_knows_words_only(
    attack: TextAttack, subject: EvaluatedModel, rows: Dataset
) -> None:
    outcomes = attack_texts(subject, rows, attack)
    again = attack_texts(subject, rows.select(range(10)), attack)
    assert outcomes[:10] == again, "the same examples are attacked alike, whatever stands beside them"
    found = summary(outcomes, ["bad", "good"])
    assert found["accuracy"] < found["clean_accuracy"]
    assert found["queries"] < 40
    assert 0 < found["words_changed"] <= 1


def test_aimed_misspellings_fool_more_than_random_ones_with_as_few_changes(
    subject: EvaluatedModel, rows: Dataset
) -> None:
    aimed = attack_texts(subject, rows, DeepWordBug(max_share=0.8))
    blind = attack_texts(subject, rows, TypingErrors(rate=0.8, tries=1))
    assert held(aimed) < held(blind)


class Echo:
    """An encoder to which only texts of the same words are alike."""

    def cosines(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        return np.array([float(words_of(a) == words_of(b)) for a, b in pairs])


def test_no_candidate_below_the_least_similarity_is_taken(subject: EvaluatedModel, rows: Dataset) -> None:
    strict = Opposites(max_share=1.0, similarity=0.9)
    assert held(attack_texts(subject, rows, strict, Echo())) == 1.0  # type: ignore[arg-type]
    assert held(attack_texts(subject, rows, strict, None)) < 0.1, "without an encoder nobody can tell"


def test_an_attack_rewrites_only_the_last_text_of_a_pair(rows: Dataset, subject: EvaluatedModel) -> None:
    pairs = rows.map(lambda row: {"first": "the film"})
    reader = EvaluatedModel(subject.model, subject.tokenizer, ["first", "text"])
    outcomes = attack_texts(reader, pairs, Opposites(max_share=1.0))
    assert {one.after[0] for one in outcomes if one.after} == {"the film"}


def test_synonyms_come_from_the_named_table(subject: EvaluatedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UEGR_DATA", raising=False)
    attack = SynonymSwap(most=3)
    assert attack.options()["synonyms"] == "wordnet"
    found = attack.candidates("film", random.Random(0))
    assert 0 < len(found) <= 3


def test_the_summary_counts_what_the_outcomes_say() -> None:
    def one(right: bool, after: tuple[str] | None) -> AttackOutcome:
        return AttackOutcome(("a fine film",), 1, right, after, 0, 10)

    found = summary([one(True, None), one(True, ("a dull film",)), one(False, None), one(True, None)], ["bad", "good"])
    assert (found["clean_accuracy"], found["accuracy"]) == (0.75, 0.5)
    assert found["success_rate"] == pytest.approx(1 / 3)
    assert found["words_changed"] == pytest.approx(1 / 3)
    assert found["similarity"] is None
    assert found["samples"] == [{"label": "good", "before": "a fine film", "after": "a dull film", "predicted": "bad"}]
    bits = np.unpackbits(np.frombuffer(b64decode(found["outcomes"]), dtype=np.uint8), count=4)
    assert bits.tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize(
    ("attack", "options"),
    [
        (TypingErrors, {"rate": 0.0}),
        (TypingErrors, {"tries": 0}),
        (DeepWordBug, {"max_share": 0.0}),
        (SynonymSwap, {"similarity": 1.0}),
    ],
)
def test_senseless_options_are_refused(attack: type[TextAttack], options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        attack(**options)
