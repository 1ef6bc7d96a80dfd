"""Whatever is measured on a model, it comes back as it was: its mode and what of it is frozen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from datasets import Dataset
from torch import nn

from conftest import batch, bert, tokenizer
from uegr.errors import UsageError
from uegr.evaluation import attacks
from uegr.evaluation.attacks.attack_registry import EMBEDDING_ATTACKS, TEXT_ATTACKS
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.evaluator import evaluate
from uegr.evaluation.landscape.input_gradients import input_gradient_norms
from uegr.evaluation.landscape.loss_surface import surface_of
from uegr.evaluation.layer_saliency import measure_saliency
from uegr.evaluation.model_state import evaluation_mode
from uegr.evaluation.similarity import measure_similarity
from uegr.modeling.dropout_sites import DropoutSites

Action = Callable[[nn.Module, Dataset], Any]


def state_of(model: nn.Module) -> tuple[dict[str, bool], dict[str, bool]]:
    return (
        {name: module.training for name, module in model.named_modules()},
        {name: parameter.requires_grad for name, parameter in model.named_parameters()},
    )


def half_frozen() -> nn.Module:
    """A model in training, with one frozen layer that is in eval mode."""
    model = bert().train()
    model.bert.encoder.layer[0].requires_grad_(False).eval()
    return model


def attack_embeddings(name: str) -> Action:
    options: dict[str, Any] = {"source": half_frozen()} if name == "transfer" else {}
    return lambda model, rows: EMBEDDING_ATTACKS[name](steps=2, **options)(model, batch(), [0.1])


def attack_text(name: str) -> Action:
    return lambda model, rows: TEXT_ATTACKS[name]()(model, tokenizer(), rows["text"], rows["label"])


def landscape(model: nn.Module, rows: Dataset) -> None:
    with surface_of(EvaluatedModel(model, tokenizer()), rows) as surface:
        assert all(parameter.requires_grad for parameter in model.parameters())
        surface.gradient()


ACTIONS: dict[str, Action] = {
    "evaluate": lambda model, rows: evaluate(model, tokenizer(), rows, attacks=["pgd", "typos"], epsilons=[0.1]),
    **{name: attack_embeddings(name) for name in EMBEDDING_ATTACKS},
    **{name: attack_text(name) for name in TEXT_ATTACKS},
    "landscape": landscape,
    "input gradients": lambda model, rows: input_gradient_norms(EvaluatedModel(model, tokenizer()), rows),
    "saliency": lambda model, rows: measure_saliency(EvaluatedModel(model, tokenizer()), rows),
    "similarity": lambda model, rows: measure_similarity(EvaluatedModel(model, tokenizer()), half_frozen(), rows),
    "probabilities": lambda model, rows: EvaluatedModel(model, tokenizer()).probabilities(rows),
}


@pytest.fixture(autouse=True)
def misspellings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lists are not on every machine."""
    monkeypatch.setattr("uegr.perturb.natural_misspellings.misspellings", lambda: {"good": ["god"], "bad": ["baad"]})


@pytest.mark.parametrize("name", ACTIONS)
def test_the_model_comes_back_as_it_was(name: str, rows: Dataset) -> None:
    model = half_frozen()
    before, weights = state_of(model), {key: value.clone() for key, value in model.state_dict().items()}
    ACTIONS[name](model, rows.select(range(6)))
    assert state_of(model) == before
    assert all(torch.equal(weights[key], value) for key, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_it_comes_back_after_an_error_too() -> None:
    model = half_frozen()
    before = state_of(model)
    with pytest.raises(RuntimeError), evaluation_mode(model, weight_gradients=True):
        assert not any(module.training for module in model.modules())
        raise RuntimeError
    assert state_of(model) == before


def test_no_dropout_is_active_in_an_attack() -> None:
    """Two runs on a model in training give the same result."""
    model = bert(dropout=0.5).train()
    first, second = (attacks.PGD(steps=2)(model, batch(), [0.0, 0.3]).robust_mask for _ in range(2))
    assert (first == second).all()
    assert DropoutSites(model)  # the model has dropout


@pytest.mark.parametrize("name", ["pgd", "landscape", "input gradients", "saliency"])
def test_what_needs_gradients_says_what_to_do_in_inference_mode(name: str, rows: Dataset) -> None:
    model = half_frozen()
    before = state_of(model)
    with torch.inference_mode(), pytest.raises(UsageError, match=r"use torch.no_grad\(\) in its place"):
        ACTIONS[name](model, rows.select(range(6)))
    assert state_of(model) == before
