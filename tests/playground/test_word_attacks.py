"""The attack of the page is the attack of `uegr attack`, shown change by change."""

from __future__ import annotations

import copy

import pytest

from support.playground_models import models_of_page
from support.text_attacks import Opposites
from uegr.errors import UsageError
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.truncated_texts import read_and_rest
from uegr.perturb.words import words_of
from uegr.playground.word_attacks import WORD_ATTACKS, attack_steps, word_attack

TEXT = ("good great fine film and the good great plot",)


def changes(before: str, after: str) -> int:
    return sum(a != b for a, b in zip(words_of(before), words_of(after), strict=True))


@pytest.mark.parametrize("aim", [0, 1])
def test_each_step_changes_one_word_more_until_the_target_flips(
    aim: int, evaluated: EvaluatedModel, other_evaluated: EvaluatedModel
) -> None:
    models = models_of_page(evaluated, other_evaluated)
    original = models.answers(TEXT)
    steps = list(attack_steps(models, TEXT, Opposites(max_share=1.0), aim))
    assert [changes(*TEXT, step.texts[0]) for step in steps] == list(range(1, len(steps) + 1))
    assert [step.flipped[aim] for step in steps] == [False] * (len(steps) - 1) + [True]
    for step in steps:
        assert step.answers == models.answers(step.texts)
        assert step.flipped == [new.label != old.label for new, old in zip(step.answers, original, strict=True)]
    falling = [step.answers[aim].probabilities[original[aim].label] for step in steps]
    assert falling == sorted(falling, reverse=True)


def test_the_last_step_is_what_the_attack_itself_finds(evaluated: EvaluatedModel) -> None:
    models = models_of_page(evaluated)
    attack = Opposites(max_share=1.0, seed=2)
    label = ["bad", "good"].index(models.answers(TEXT)[0].label)
    result = attack(evaluated.model, evaluated.tokenizer, [TEXT], [label])
    assert result.texts[0] is not None
    assert list(attack_steps(models, TEXT, attack, 0))[-1].texts[0] == result.texts[0]


def test_words_that_the_model_does_not_read_are_not_attacked(evaluated: EvaluatedModel) -> None:
    short = copy.copy(evaluated)
    short.max_length = 6
    text = ("the good film " + "good great " * 20,)
    steps = list(attack_steps(models_of_page(short), text, Opposites(max_share=1.0), 0))
    read, rest = read_and_rest(short, [text])[0]
    assert rest and steps
    assert all(step.texts[0].endswith(rest) for step in steps)
    assert changes(*text, steps[-1].texts[0]) <= len(words_of(*read))


def test_the_last_change_is_shown_when_the_budget_ends_before_a_flip(evaluated: EvaluatedModel) -> None:
    steps = list(attack_steps(models_of_page(evaluated), TEXT, Opposites(max_share=0.01), 0))
    assert [changes(*TEXT, step.texts[0]) for step in steps] == [1]
    assert steps[0].flipped == [False], "one of six good words does not decide"


def test_a_text_in_which_nothing_can_change_has_no_steps(evaluated: EvaluatedModel) -> None:
    assert list(attack_steps(models_of_page(evaluated), ("the film",), Opposites(), 0)) == []


def test_attacks_by_name() -> None:
    assert {"deepwordbug", "synonyms", "deletion", "homoglyphs"} <= set(WORD_ATTACKS)
    assert "typos" in WORD_ATTACKS and "harmless" not in WORD_ATTACKS, "it does not change word by word"
    for name in WORD_ATTACKS:
        if name == "misspellings":  # needs lists that a machine may lack
            continue
        attack = word_attack(name, 0.5, 7)
        assert (attack.name, attack.max_share, attack.seed) == (name, 0.5, 7)
        assert getattr(attack, "search_by", "greedy") == "greedy"
    with pytest.raises(UsageError, match="unknown attack by words 'pgd'"):
        word_attack("pgd", 0.5, 0)
