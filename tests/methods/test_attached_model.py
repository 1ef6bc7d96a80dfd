"""Weights that a loop freezes or unfreezes after the method is attached."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from conftest import batch, bert
from support.attached_methods import attached, step
from uegr.errors import UegrWarning
from uegr.methods.method_lookup import METHODS, make_config


def layers_of(model: nn.Module, number: int) -> list[Tensor]:
    return list(model.bert.encoder.layer[number].parameters())  # type: ignore[union-attr, operator]


@pytest.mark.parametrize("name", METHODS)
def test_unfrozen_weights_are_those_of_a_later_attachment(name: str) -> None:
    """A stage takes in the weights that a loop unfreezes, as if they had been trainable when it looked first."""
    model = bert()
    model.bert.requires_grad_(False)
    method = attached(name, model)
    step(method, batch())
    model.bert.requires_grad_(True)
    step(method, batch(seed=1))
    whole = attached(name, bert())
    for positions in ("selectable", "_body", "_matrices", "pretrained"):
        if hasattr(whole.backward, positions):
            assert list(getattr(method.backward, positions)) == list(getattr(whole.backward, positions))


@pytest.mark.parametrize("mask_mode", ["update", "gradient", "frozen"])
def test_the_scores_of_other_weights_stay_with_them(mask_mode: str) -> None:
    """Gradual unfreezing from the top: the lower layer comes before the one that has scores."""
    model = bert()
    model.bert.requires_grad_(False)
    for weight in layers_of(model, 1):
        weight.requires_grad_(True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)  # no moments to read a score from
    method = make_config("uegr", {"mask_mode": mask_mode, "refresh": 1}).attach(
        model=model.train(), optimizer=optimizer
    )
    step(method, batch())
    scores: Any = method.backward.scores  # type: ignore[attr-defined]
    before = {i: mean.clone() for i, mean in scores.means.items()}
    for weight in layers_of(model, 0):
        weight.requires_grad_(True)
    method.loss(batch(seed=1))
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    assert before and all(weights[i].shape == mean.shape for i, mean in before.items())
    assert all(torch.equal(scores.means[i], mean) for i, mean in before.items())
    for seed in range(3):
        step(method, batch(seed=seed))
    assert len(scores.means) == 2 * len(before)


@pytest.mark.parametrize("name", ["uegr", "roast"])
def test_a_state_that_was_saved_before_unfreezing_fits_afterwards(name: str) -> None:
    model = bert()
    model.bert.embeddings.requires_grad_(False)
    method = attached(name, model)
    step(method, batch())
    backward: Any = method.backward
    backward.scores.from_optimizer = False
    backward._epoch = 9  # after an epoch of RoAST, here one step, its means begin again
    step(method, batch())
    resumed = attached(name, bert())
    resumed.optimizer.load_state_dict(method.optimizer.state_dict())
    weights = [weight for group in resumed.optimizer.param_groups for weight in group["params"]]
    means = resumed.backward.scores.means  # type: ignore[attr-defined]
    assert means and all(mean.shape == weights[i].shape for i, mean in means.items())
    step(resumed, batch())


@pytest.mark.parametrize("name", ["l2-sp", "mixout"])
def test_the_pull_on_weights_that_are_unfrozen_in_a_resumed_training_is_not_lost(name: str) -> None:
    model = bert()
    model.bert.encoder.layer[0].requires_grad_(False)
    method = attached(name, model)
    step(method, batch())
    resumed = attached(name, bert())
    whole = list(resumed.backward.pretrained)  # type: ignore[attr-defined]
    resumed.optimizer.load_state_dict(method.optimizer.state_dict())
    assert sorted(resumed.backward.pretrained) == whole  # type: ignore[attr-defined]


def test_weights_that_were_not_scored_before_training_are_said_to_be_trained_whole() -> None:
    model = bert()
    model.bert.encoder.layer[0].requires_grad_(False)
    method = attached("child-tuning-d", model)
    step(method, batch())
    model.bert.encoder.layer[0].requires_grad_(True)
    with pytest.warns(UegrWarning, match=r"16 parameters were added or unfrozen after .*method\.reset\(\)"):
        step(method, batch())
