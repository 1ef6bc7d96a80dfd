"""One pass: its seed, and the models that it cannot run."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from support.small_models import Linear, batch, bert
from support.stages import step
from uegr.errors import UsageError
from uegr.forward.model_pass import draw_seed, forward_pass, seeded
from uegr.modeling.dropout_sites import DropoutSites


def test_seeded_passes_repeat_and_leave_the_global_generator_alone() -> None:
    draws, state = [], torch.get_rng_state()
    for _ in range(2):
        with seeded(3, torch.device("cpu")):
            draws.append(torch.rand(4))
    assert torch.equal(*draws)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_pass_on_the_cpu_seeds_no_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which would be wrong, as nothing puts their state back, and slow."""
    model, data, position, seeds = bert(), batch(), step(), list[int]()
    monkeypatch.setattr("torch.cuda.manual_seed_all", seeds.append)
    forward_pass(model, data, position)
    assert seeds == []


def test_every_pass_draws_one_seed() -> None:
    position = step()
    seeds = [draw_seed(step()), *[draw_seed(position) for _ in range(2)]]
    assert seeds[0] == seeds[1] != seeds[2]
    position = step()
    forward_pass(bert(), batch(), position)
    assert draw_seed(position) == seeds[2]


def test_rates_of_the_pass_hold_for_the_pass() -> None:
    model, data = bert(dropout=0.1).train(), batch()
    own, without = (forward_pass(model, data, step(sites=DropoutSites(model)), rate=rate) for rate in (None, 0.0))
    assert torch.equal(own, forward_pass(model, data, step()))
    torch.testing.assert_close(without, forward_pass(model.eval(), data, step()))


def test_a_recomputed_pass_has_the_same_logits_and_gradients() -> None:
    data = batch()
    logits, gradients = [], []
    for recompute in (False, True):
        model = bert(dropout=0.1).train()
        logits.append(forward_pass(model, data, step(sites=DropoutSites(model)), rate=0.3, recompute=recompute))
        gradients.append(torch.autograd.grad(logits[-1].square().sum(), model.classifier.weight)[0])
    assert torch.equal(*logits)
    torch.testing.assert_close(*gradients)


def test_labels_are_not_given_to_the_model() -> None:
    class Strict(Linear):
        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
            return super().forward(input_ids, attention_mask)

    assert forward_pass(Strict(), batch(), step()).shape == (4, 2)


def test_a_model_without_logits_is_refused_with_the_fix() -> None:
    class NoLogits(Linear):
        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:  # type: ignore[override]
            return super().forward(input_ids, attention_mask).logits

    with pytest.raises(UsageError, match=r"no \.logits"):
        forward_pass(NoLogits(), batch(), step())
