from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import nn

from conftest import batch, bert
from uegr import create_method
from uegr.forward.forward_stage import Step
from uegr.forward.uegr import UEGRForward
from uegr.training.cost_profile import measure_cost


def gradients(lean: bool, autocast: bool = False, **options: Any) -> tuple[float, dict[str, float], list[Any]]:
    model = bert().train()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        loss = UEGRForward(lean=lean, **options)(model, batch(), Step(torch.Generator().manual_seed(3), 9, 10))
    (2.0 * loss.value).backward()  # a factor such as a GradScaler's reaches the weights
    return float(loss.value), {k: float(v) for k, v in loss.terms.items()}, [one.grad for one in model.parameters()]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"clean_weight": 0.0, "passes": 3},
        {"adversary": False},
        {"random_start": True, "steps": 2},
        {"dropout_mode": "layer"},
    ],
)
def test_gradients_equal_those_of_the_joint_pass(options: dict[str, Any]) -> None:
    joint, lean = gradients(False, **options), gradients(True, **options)
    assert lean[0] == pytest.approx(joint[0], rel=1e-5)
    assert lean[1] == pytest.approx(joint[1], rel=1e-4, abs=1e-6)
    for one, other in zip(joint[2], lean[2], strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def test_autocast_keeps_its_casts_on_the_way_back_to_the_weights() -> None:
    joint, lean = gradients(False, autocast=True), gradients(True, autocast=True)
    assert all(one is not None for one in lean[2])
    whole = [torch.cat([one.flatten() for one in found[2]]) for found in (joint, lean)]
    assert float((whole[0] - whole[1]).norm() / whole[0].norm()) < 0.05  # bfloat16 sums in another order


def test_one_graph_is_alive_at_a_time() -> None:
    """Tensors saved for backward, counted as they are made and let go: six passes hold no more than two."""

    def most(passes: int, lean: bool) -> int:
        alive = peak = 0

        class Saved:
            def __init__(self, tensor: torch.Tensor) -> None:
                nonlocal alive, peak
                self.tensor, alive = tensor, alive + 1
                peak = max(peak, alive)

            def __del__(self) -> None:
                nonlocal alive
                alive -= 1

        model: nn.Module = bert().train()
        with torch.autograd.graph.saved_tensors_hooks(Saved, lambda saved: saved.tensor):
            stage = UEGRForward(passes=passes, lean=lean, clean_weight=0.0, batching="auto" if lean else "separate")
            stage(model, batch(), Step(torch.Generator().manual_seed(0), 9, 10)).value.backward()
        return peak

    assert most(6, lean=True) <= 1.1 * most(2, lean=True)
    assert most(6, lean=False) > 2.5 * most(2, lean=False)


def test_cost_counts_the_passes_made_again() -> None:
    model = bert(hidden_size=64, intermediate_size=256, num_hidden_layers=3)
    for options in ({}, {"clean_weight": 0.0}):
        method = create_method("uegr", lean=True, **options)
        cost = measure_cost(model, batch(8, 20), method, nullcontext, rounds=1)
        assert cost["flop_ratio"] == pytest.approx(method.cost() / 3, rel=0.03)
