"""Perturbations as attacks: one attempt, the worst of several, or greedy; and the deletion line."""

import pytest
from datasets import Dataset

from conftest import tokenizer
from support.text_attacks import robust_share
from uegr.errors import UsageError
from uegr.evaluation import attacks
from uegr.evaluation.attacks.attack_registry import attack_class
from uegr.evaluation.attacks.attack_results import TextAttackResult
from uegr.evaluation.attacks.attack_summary import summary
from uegr.evaluation.attacks.deletion import Deletion
from uegr.evaluation.attacks.perturbation_attack import PERTURBATION_ATTACKS
from uegr.evaluation.attacks.text_attack import attack_texts
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.evaluation_report import EvaluationReport
from uegr.perturb.words import words_of


@pytest.fixture(autouse=True)
def misspellings(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"good": ["god"], "bad": ["baad"], "great": ["grate"], "awful": ["awfull"]}
    monkeypatch.setattr("uegr.perturb.natural_misspellings.misspellings", lambda: table)


@pytest.mark.parametrize("name", PERTURBATION_ATTACKS)
def test_more_effort_fools_no_fewer(name: str, evaluated: EvaluatedModel, rows: Dataset) -> None:
    kind = PERTURBATION_ATTACKS[name]
    one, worst = (
        robust_share(attack_texts(evaluated, rows, kind(search_by=search_by, rate=0.5)))
        for search_by in ("random", "worst")
    )
    assert worst <= one <= 1.0


@pytest.mark.parametrize("name", ["spaced", "homoglyphs", "leetspeak"])
def test_a_model_of_words_is_fooled_by_words_it_does_not_know(
    name: str, evaluated: EvaluatedModel, rows: Dataset
) -> None:
    greedy = attack_texts(evaluated, rows, PERTURBATION_ATTACKS[name](search_by="greedy", max_share=1.0))
    assert robust_share(greedy) < 0.9
    for outcome in greedy:
        if outcome.after is not None:
            assert outcome.after != outcome.before and outcome.predicted != outcome.label


def test_a_model_without_case_is_not_touched_by_an_attack_that_changes_nothing(
    evaluated: EvaluatedModel, rows: Dataset
) -> None:
    """No text holds a contraction: nothing is tried, and that is counted."""
    outcomes = attack_texts(evaluated, rows, PERTURBATION_ATTACKS["contractions"]())
    counted = summary(outcomes, ["bad", "good"])
    assert counted["untouched"] == sum(outcome.correct for outcome in outcomes) > 0
    assert counted["accuracy"] == counted["clean_accuracy"]
    number = counted["untouched"]
    assert f"; it could change nothing in {number} texts" in repr(TextAttackResult("contractions", outcomes))
    report = EvaluationReport("classification", len(rows), "accuracy", {}, text_attacks=[{"attack": "c", **counted}])
    assert str(report).splitlines()[-1].split() == ["texts", "that", "c", "cannot", "change", str(number)]


def test_deletion_leaves_words_out_and_counts_them(evaluated: EvaluatedModel, rows: Dataset) -> None:
    outcomes = attack_texts(evaluated, rows, Deletion(max_share=1.0))
    fooled = [outcome for outcome in outcomes if outcome.after is not None]
    assert fooled
    for outcome in fooled:
        assert outcome.after is not None
        assert len(words_of(outcome.after[0])) < len(words_of(outcome.before[0]))
    assert 0 < summary(fooled, ["bad", "good"])["words_changed"] <= 1


def test_words_changed_of_texts_of_another_length(evaluated: EvaluatedModel, rows: Dataset) -> None:
    spaced = attack_texts(evaluated, rows, PERTURBATION_ATTACKS["spaced"](rate=1.0))
    assert summary(spaced, ["bad", "good"])["words_changed"] == pytest.approx(1.0)


def test_an_attack_on_a_model_in_memory(evaluated: EvaluatedModel, rows: Dataset) -> None:
    attack = attacks.PERTURBATION_ATTACKS["homoglyphs"](search_by="worst", tries=3)
    result = attack(evaluated.model, tokenizer(), rows["text"], rows["label"])
    assert result.attack == "homoglyphs" and 0 <= result.accuracy <= 1
    assert attack.options() == {"seed": 0, "search_by": "worst", "rate": 0.3, "tries": 3}, "those that have an effect"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("joined", {"search_by": "greedy"}, "joined does not change single words: take search_by=worst"),
        ("ocr", {"search_by": "beam"}, "unknown search 'beam'"),
        ("ocr", {"rate": 0.0}, r"a rate in \(0, 1\]"),
        ("ocr", {"tries": 0}, "at least one try"),
        ("ocr", {"tries": 7, "search_by": "random"}, "tries has no effect with search_by=random: leave it out"),
        ("slips", {"rate": 0.5, "search_by": "greedy"}, "rate has no effect with search_by=greedy: leave it out"),
        ("slips", {"max_share": 0.5}, "max_share has no effect with search_by=worst: leave it out"),
        ("typos", {"similarity": 0.8, "search_by": "random"}, "similarity has no effect with search_by=random: leave"),
    ],
)
def test_wrong_options_are_refused(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        attack_class(name)(**options)  # type: ignore[arg-type]


def test_a_swap_of_equal_letters_does_not_make_a_text_untouchable(evaluated: EvaluatedModel) -> None:
    rows = Dataset.from_dict({"text": ["all"] * 40, "label": [0] * 40})
    for label in (0, 1):
        rows = rows.remove_columns("label").add_column("label", [label] * 40)
        outcomes = attack_texts(evaluated, rows, PERTURBATION_ATTACKS["typos"](tries=1, rate=0.1))
        assert not any(outcome.untouched for outcome in outcomes)
