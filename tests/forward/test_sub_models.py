from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from conftest import batch, bert
from uegr.errors import UsageError
from uegr.forward.forward_stage import Step
from uegr.forward.joined_passes import joinable, pays
from uegr.forward.shared_layers import stacked_layers
from uegr.forward.uegr import UEGRForward
from uegr.methods.registry import create_method


def step() -> Step:
    return Step(torch.Generator().manual_seed(3), 9, 10)


def found(model: nn.Module, data: dict[str, Tensor], **options: Any) -> tuple[Tensor, list[Tensor | None]]:
    """The loss and all weight gradients of one step."""
    model.zero_grad()
    loss = UEGRForward(**options)(model, data, step()).value
    (2.0 * loss).backward()  # a factor such as a GradScaler's reaches the weights
    return loss.detach(), [None if one.grad is None else one.grad.clone() for one in model.parameters()]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize(
    "options",
    [{}, {"passes": 3, "dropout": (0.0, 0.5)}, {"dropout_mode": "step"}, {"clean_weight": 0.0}, {"adversary": False}],
)
def test_one_batch_equals_passes_one_after_another_with_the_same_dropout(
    attention: str, options: dict[str, Any]
) -> None:
    model, data = bert(attn_implementation=attention).train(), batch()
    joint, separate = (found(model, data, batching=one, **options) for one in ("joint", "separate"))
    torch.testing.assert_close(joint[0], separate[0])
    for one, other in zip(joint[1], separate[1], strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def test_the_global_random_state_stays_as_it_was() -> None:
    model, data, before = bert().train(), batch(), torch.get_rng_state()
    found(model, data, batching="joint")
    assert torch.equal(before, torch.get_rng_state())


def test_small_batches_are_joined_and_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    model = bert().train()
    model.register_forward_pre_hook(lambda _, __, kwargs: calls.append(len(kwargs["input_ids"])), with_kwargs=True)
    small, large = batch(2, 8), batch(32, 16)
    assert pays(small) and not pays(large)
    for data, expected in ((small, [2, 4]), (large, [32, 32, 32])):
        calls.clear()
        found(model, data)
        assert calls == expected


def test_passes_that_cannot_be_told_apart_run_one_after_another() -> None:
    model, data = bert().train(), batch(2, 8)
    assert joinable(model, data, [0.1, 0.3])
    assert not joinable(model, data, [[0.1] * 9, [0.2] * 9])  # one rate a site
    assert not joinable(model, batch(4, 8), [0.1, 0.3])  # 8 rows of 8 tokens: which is which?
    model.config._attn_implementation = "flash_attention_2"
    assert not joinable(model, data, [0.1, 0.3])


@pytest.mark.parametrize("share", [0.5, 0.75])
def test_shared_layers_run_once_and_have_one_dropout(share: float) -> None:
    model, data = bert(num_hidden_layers=4).train(), batch()
    layers = stacked_layers(model)
    assert len(layers) == 4
    calls: list[int] = []
    for at, layer in enumerate(layers):
        # A part of the layer, for the layer itself is called in every pass.
        layer.attention.register_forward_hook(lambda *_, at=at: calls.append(at))
    found(model, data, shared_layers=share, passes=3)
    common = int(4 * share)
    assert [calls.count(at) for at in range(4)] == [2] * common + [4] * (4 - common)  # the clean pass is its own
    assert all("forward" not in vars(layer) for layer in layers)


def test_without_dropout_sharing_changes_nothing() -> None:
    model, data = bert(dropout=0.0, num_hidden_layers=4).train(), batch()
    options = {"dropout": (0.0, 0.0), "passes": 3}
    shared, whole = found(model, data, shared_layers=0.5, **options), found(model, data, batching="separate", **options)
    torch.testing.assert_close(shared[0], whole[0])
    for one, other in zip(shared[1], whole[1], strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def test_a_patched_forward_of_a_layer_is_put_back() -> None:
    model = bert(num_hidden_layers=2).train()
    layer = stacked_layers(model)[0]
    layer.forward = patched = layer.forward
    found(model, batch(), shared_layers=0.5)
    assert vars(layer)["forward"] is patched


@pytest.mark.parametrize("clean_weight", [1.0, 0.5])
def test_reuse_is_the_full_stage_whose_divergence_takes_the_clean_output_as_given(clean_weight: float) -> None:
    """Without a divergence, nothing is left of the difference."""
    model, data = bert().train(), batch()
    options = {"js_weight": 0.0, "clean_weight": clean_weight}
    reused, full = found(model, data, reuse=True, **options), found(model, data, **options)
    torch.testing.assert_close(reused[0], full[0])
    for one, other in zip(reused[1], full[1], strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)
    with_divergence, teacher = found(model, data, reuse=True), found(model, data)
    torch.testing.assert_close(with_divergence[0], teacher[0])  # the same value, another gradient


def test_costs() -> None:
    """In forward passes: 10 for the defaults; each cheaper way takes off what its documentation says."""
    assert create_method("uegr").cost() == 10.0
    assert create_method("uegr", reuse=True).cost() == 9.0
    assert create_method("uegr", reuse=True, passes=1).cost() == 6.0  # twice a plain step
    assert create_method("uegr", shared_layers=0.5).cost() == 8.5


@pytest.mark.parametrize(
    "options",
    [
        {"reuse": True, "clean_weight": 0.0},
        {"reuse": True, "random_start": True},
        {"reuse": True, "lean": True},
        {"shared_layers": 1.0},
        {"shared_layers": 0.5, "batching": "joint"},
        {"batching": "both"},
        {"lean": True, "batching": "joint"},
    ],
)
def test_options_that_exclude_each_other(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        UEGRForward(**options)
