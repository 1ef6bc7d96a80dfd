"""The pass over the training data before the first step leaves no trace but the scores."""

from __future__ import annotations

import pytest
import torch

from support.small_models import batch, bert
from support.training import DATA
from uegr.errors import UsageError
from uegr.methods.method import Method
from uegr.methods.registry import ChildTuningDConfig, RoASTConfig


def attached(config: ChildTuningDConfig | RoASTConfig, model: torch.nn.Module) -> Method:
    """The method, not prepared yet."""
    return config.attach(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))


def test_each_module_keeps_its_mode() -> None:
    model = bert().train()
    model.bert.encoder.layer[0].eval()
    modes, seen = [module.training for module in model.modules()], []
    model.bert.encoder.layer[0].register_forward_pre_hook(lambda layer, _: seen.append(layer.training))
    attached(ChildTuningDConfig(), model).prepare(DATA)
    assert not any(seen), "scored in the modes of the training"
    assert [module.training for module in model.modules()] == modes


def test_a_batch_that_fails_leaves_neither_mode_nor_gradient() -> None:
    model = bert().eval()
    broken = batch()
    broken["input_ids"] = broken["input_ids"] + 1000
    with pytest.raises(ValueError, match="tokens"):
        attached(RoASTConfig(), model).prepare([DATA[0], broken], accumulation_steps=2)
    assert not any(module.training for module in model.modules())
    assert all(weight.grad is None for weight in model.parameters())


def test_a_second_attempt_scores_each_batch_once() -> None:
    broken = {**batch(), "labels": torch.full((4,), 7)}
    once, again = (attached(RoASTConfig(), bert()) for _ in range(2))
    with pytest.raises(UsageError, match="label 7"):
        again.prepare([DATA[0], DATA[1], broken])
    for method in (once, again):
        method.prepare(DATA)
    first, second = (method.backward.state_dict() for method in (once, again))
    assert first["epoch"] == second["epoch"] == len(DATA)
    assert all(torch.equal(first["bins"][i], second["bins"][i]) for i in first["bins"])


def test_gradients_from_before_are_not_scored() -> None:
    prepared = []
    for has_gradients in (False, True):
        model = bert()
        method = attached(RoASTConfig(), model)
        if has_gradients:
            for weight in model.parameters():
                weight.grad = torch.ones_like(weight)
        method.prepare(DATA)
        prepared.append(method.backward.state_dict())
    first, second = prepared
    assert all(torch.equal(first["bins"][i], second["bins"][i]) for i in first["bins"])
