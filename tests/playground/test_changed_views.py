"""What the page shows of a changed text."""

from __future__ import annotations

import pytest

from support.playground_models import models_of_page
from support.text_attacks import Opposites
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.playground.changed_views import attack_views, perturbed_view
from uegr.playground.text_changes import CHANGED
from uegr.playground.word_attacks import WORD_ATTACKS

TEXT = ("good great fine film",)


def test_a_perturbed_text_with_the_answers_to_it(evaluated: EvaluatedModel, other_evaluated: EvaluatedModel) -> None:
    models = models_of_page(evaluated, other_evaluated)
    view = perturbed_view(models, TEXT, "typos", 1.0, 0)
    changed = "".join(text for text, _ in view.pieces)
    assert changed != TEXT[0]
    assert view.answers == models.answers((changed,))
    assert view.result == models.compare(models.answers(TEXT), view.answers)
    assert perturbed_view(models, ("这部电影",), "homoglyphs", 1.0, 0).result.startswith(
        "homoglyphs has changed nothing."
    )


def test_an_attack_ends_with_who_is_fooled(
    evaluated: EvaluatedModel, other_evaluated: EvaluatedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(WORD_ATTACKS, "opposites", Opposites)
    models = models_of_page(evaluated, other_evaluated)
    first, *steps, last = attack_views(models, TEXT, "opposites", 1.0, 0, 1)
    assert first.pieces == [(TEXT[0], None)] and first.answers == models.answers(TEXT)
    assert first.result.startswith("Attack on model-1, changes: 0\n")
    marked = [sum(mark == CHANGED for _, mark in view.pieces) for view in steps]
    assert marked == list(range(1, len(steps) + 1)) != []
    assert "Attack on model-1, changes: 1" in steps[0].result
    assert last.pieces == steps[-1].pieces and last.answers == steps[-1].answers
    assert last.result.startswith(f"model-1 is fooled, changes: {len(steps)}\n")
    assert "model-1: good becomes bad" in last.result


def test_an_attack_without_success_says_so(evaluated: EvaluatedModel) -> None:
    _, view = attack_views(models_of_page(evaluated), ("of",), "deepwordbug", 1.0, 0, 0)
    assert view.pieces == [("of", None)]
    assert view.result.startswith("model-0 is not fooled")
    assert "changes: 0" in view.result
