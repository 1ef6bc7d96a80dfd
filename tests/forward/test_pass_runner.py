"""Passes that are recomputed give the same loss and gradients, and keep one graph in memory at a time."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from support.small_models import batch, bert, gradients_of
from support.stages import stage_of, step
from uegr.forward.pass_runner import OneByOne
from uegr.forward.uegr import UEGRForward


def one_step(*, checkpoint_passes: bool, autocast: bool = False, **options: Any) -> tuple[Tensor, Any, list[Any]]:
    """Loss, terms and gradients of a step, whose loss has the factor of a GradScaler."""
    model = bert().train()
    stage = stage_of(UEGRForward, checkpoint_passes=checkpoint_passes, **options)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        loss = stage(model, batch(), step(3))
    (2.0 * loss.value).backward()
    return loss.value.detach(), {name: float(term) for name, term in loss.terms.items()}, gradients_of(model)


@pytest.mark.parametrize(
    "options", [{}, {"clean_weight": 0.0, "passes": 3}, {"epsilon": 0.0}, {"ascent_steps": 2}, {"dropout": (0.4, 0.0)}]
)
def test_recomputed_passes_equal_the_ordinary_ones(options: dict[str, Any]) -> None:
    ordinary, recomputed = (one_step(checkpoint_passes=flag, **options) for flag in (False, True))
    torch.testing.assert_close(recomputed[0], ordinary[0])
    assert recomputed[1] == pytest.approx(ordinary[1], rel=1e-4, abs=1e-6)
    for gradient, expected in zip(recomputed[2], ordinary[2], strict=True):
        torch.testing.assert_close(gradient, expected, atol=1e-6, rtol=1e-4)


def test_recomputed_passes_equal_the_ordinary_ones_under_autocast(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second run of a pass comes after autocast was left; it must run in bfloat16 nevertheless."""
    recomputed = one_step(checkpoint_passes=True, autocast=True)
    monkeypatch.setattr("uegr.forward.pass_runner.is_faster_joined", lambda batch: False)  # sums in the same order
    ordinary = one_step(checkpoint_passes=False, autocast=True)
    torch.testing.assert_close(recomputed[0], ordinary[0], rtol=1e-3, atol=1e-3)
    assert all(gradient is not None for gradient in recomputed[2])
    flat = [torch.cat([gradient.flatten() for gradient in gradients]) for gradients in (ordinary[2], recomputed[2])]
    assert float((flat[1] - flat[0]).norm() / flat[0].norm()) < 0.05  # bfloat16 sums in another order
    in_float32 = torch.cat([gradient.flatten() for gradient in one_step(checkpoint_passes=False)[2]])
    assert not torch.equal(flat[1], in_float32)


def test_one_graph_is_alive_at_a_time() -> None:
    """Tensors saved for the backward pass, counted as they are made and freed: six passes hold no more than two."""

    def peak_count(passes: int, *, checkpoint_passes: bool) -> int:
        alive = peak = 0

        class Saved:
            def __init__(self, tensor: Tensor) -> None:
                nonlocal alive, peak
                self.tensor, alive = tensor, alive + 1
                peak = max(peak, alive)

            def __del__(self) -> None:
                nonlocal alive
                alive -= 1

        model = bert().train()
        stage = stage_of(UEGRForward, passes=passes, checkpoint_passes=checkpoint_passes, clean_weight=0.0)
        stage.runner = OneByOne(recompute=checkpoint_passes)
        with torch.autograd.graph.saved_tensors_hooks(Saved, lambda saved: saved.tensor):
            stage(model, batch(), step()).value.backward()
        return peak

    assert peak_count(6, checkpoint_passes=True) <= 1.1 * peak_count(2, checkpoint_passes=True)
    assert peak_count(6, checkpoint_passes=False) > 2.5 * peak_count(2, checkpoint_passes=False)


def test_the_option_chooses_the_runner() -> None:
    runner = stage_of(UEGRForward, checkpoint_passes=True).runner
    assert isinstance(runner, OneByOne) and runner.recompute
