"""Attacks on the text: each finds what there is to find and keeps to its constraints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from datasets import Dataset
from numpy.typing import NDArray

from conftest import tokenizer
from support.text_attacks import Opposites, robust_share
from uegr.errors import UsageError
from uegr.evaluation.attacks.attack_summary import summary
from uegr.evaluation.attacks.deepwordbug import DeepWordBug
from uegr.evaluation.attacks.perturbation_attack import PERTURBATION_ATTACKS
from uegr.evaluation.attacks.synonym_swap import SynonymSwap
from uegr.evaluation.attacks.text_attack import TextAttack, attack_texts
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.perturb.words import words_of

TYPOS = PERTURBATION_ATTACKS["typos"]


@pytest.mark.parametrize("attack", [TYPOS(rate=0.8), DeepWordBug(max_share=1.0)])
def test_spelling_attacks_fool_a_model_that_knows_words_only(
    attack: TextAttack, evaluated: EvaluatedModel, rows: Dataset
) -> None:
    outcomes = attack_texts(evaluated, rows, attack)
    again = attack_texts(evaluated, rows.select(range(10)), attack)
    assert outcomes[:10] == again, "the same examples are attacked alike, whatever stands beside them"
    result = summary(outcomes, ["bad", "good"])
    assert result["accuracy"] < result["clean_accuracy"]
    assert result["queries"] < 40
    assert 0 < result["words_changed"] <= 1


def test_aimed_misspellings_fool_more_than_random_ones_with_as_few_changes(
    evaluated: EvaluatedModel, rows: Dataset
) -> None:
    aimed = attack_texts(evaluated, rows, DeepWordBug(max_share=0.8))
    blind = attack_texts(evaluated, rows, TYPOS(rate=0.8, tries=1))
    assert robust_share(aimed) < robust_share(blind)


class Echo:
    """An encoder to which only texts of the same words are alike."""

    def cosines(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        return np.array([float(words_of(a) == words_of(b)) for a, b in pairs])


def test_no_candidate_below_the_least_similarity_is_taken(evaluated: EvaluatedModel, rows: Dataset) -> None:
    strict = Opposites(max_share=1.0, similarity=0.9)
    assert robust_share(attack_texts(evaluated, rows, strict, Echo())) == 1.0  # type: ignore[arg-type]
    assert robust_share(attack_texts(evaluated, rows, strict, None)) < 0.1, "without an encoder nobody can tell"


def test_an_attack_rewrites_only_the_last_text_of_a_pair(rows: Dataset, evaluated: EvaluatedModel) -> None:
    pairs = rows.map(lambda row: {"first": "the film"})
    reader = EvaluatedModel(evaluated.model, evaluated.tokenizer, ["first", "text"])
    outcomes = attack_texts(reader, pairs, Opposites(max_share=1.0))
    assert {outcome.after[0] for outcome in outcomes if outcome.after} == {"the film"}


@pytest.mark.parametrize(
    ("attack", "options"),
    [
        (TYPOS, {"rate": 0.0}),
        (TYPOS, {"tries": 0}),
        (DeepWordBug, {"max_share": 0.0}),
        (SynonymSwap, {"similarity": 1.0}),
    ],
)
def test_senseless_options_are_refused(attack: type[TextAttack], options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        attack(**options)


def test_texts_are_attacked_without_a_data_set(evaluated: EvaluatedModel, rows: Dataset) -> None:
    result = Opposites(max_share=1.0)(evaluated.model, tokenizer(), rows["text"], rows["label"])
    assert list(result.outcomes) == attack_texts(evaluated, rows, Opposites(max_share=1.0))
    assert result.clean_accuracy > 0.9 > 0.1 > result.accuracy == robust_share(result.outcomes)
    assert result.success_rate == pytest.approx(1 - result.accuracy / result.clean_accuracy)
    for text, outcome in zip(result.texts, result.outcomes, strict=True):
        assert (text is None) == (outcome.after is None) and text != outcome.before[0]
    assert "opposites on 48 examples" in str(result)
    with pytest.raises(UsageError, match="one label per text"):
        Opposites()(evaluated.model, tokenizer(), ["good film"], [])


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([{"text": "good", "label": 0}, "bad"], "a text must be a string, or a pair of strings, not "),
        ([None, "bad"], "a text must be a string"),
        ([("good", "bad", "film"), "bad"], "a text must be a string"),
        ([("good", "bad"), "bad"], "some texts are single and others pairs"),
    ],
)
def test_what_is_no_text_is_refused(texts: Any, message: str, evaluated: EvaluatedModel) -> None:
    """A dict was read as the names of its columns."""
    with pytest.raises(UsageError, match=message):
        DeepWordBug()(evaluated.model, tokenizer(), texts, [0, 1])
    with pytest.raises(UsageError, match="tokenizer is None"):
        DeepWordBug()(evaluated.model, None, ["good"], [0])  # type: ignore[arg-type]


def test_a_tokenizer_that_cannot_pad_is_refused(evaluated: EvaluatedModel) -> None:
    """Those of GPT-2 and Llama."""
    unpadded = tokenizer()
    unpadded.pad_token = None
    with pytest.raises(UsageError, match="the tokenizer has no padding token"):
        DeepWordBug()(evaluated.model, unpadded, ["good film", "bad"], [1, 0])


def test_half_of_a_character_is_replaced(evaluated: EvaluatedModel) -> None:
    """JSON may hold one, where an emoji was cut."""
    result = DeepWordBug()(evaluated.model, tokenizer(), ["good film \ud83d"], [1])
    assert result.outcomes[0].before == ("good film \ufffd",)
