"""Passes as one batch have the gradients of passes one after another, on every architecture and kind of task."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parent))
from zoo import applicable_kinds, make_batch, make_model

from support.stages import AlwaysJoined, stage_of, step
from uegr.forward.joined_passes import NotByRowError, can_be_joined
from uegr.forward.model_pass import run_model
from uegr.forward.pass_runner import OneByOne, PassRunner
from uegr.forward.uegr import UEGRForward
from uegr.modeling.dropout_sites import DropoutSites

SEPARATE = ["bilstm", "transformer"]
"""They give their rate to a kernel or a function of PyTorch's: their passes are never joined."""
POSITIONS = ["DeBERTa-v2"]
"""It has dropout on relative positions, which belong to no row."""


def gradients(model: nn.Module, batch: dict[str, Tensor], runner: PassRunner) -> list[Tensor]:
    """The weight gradients of one step."""
    model.zero_grad()
    stage = stage_of(UEGRForward)
    stage.runner = runner
    stage(model, batch, step(3)).value.backward()
    return [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]


def draws_beside_dropout(model: nn.Module, batch: dict[str, Tensor]) -> bool:
    """Whether a pass draws random numbers without any dropout, as BART does for its layerdrop of 0 before
    transformers 5.23: the masks of its passes then depend on what is drawn between them."""
    torch.manual_seed(0)
    before = torch.get_rng_state()
    with torch.no_grad(), DropoutSites(model).at(0.0, 0):
        run_model(model, batch, step(3), None)
    return not torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("architecture", "kind"), applicable_kinds())
def test_joined_passes_have_the_gradients_of_separate_ones(architecture: str, kind: str) -> None:
    model, batch = make_model(architecture, kind).train(), make_batch(architecture, kind)
    assert can_be_joined(model, batch, 2) == (architecture not in SEPARATE)
    if architecture in SEPARATE:
        return
    if draws_beside_dropout(model, batch):
        pytest.skip("the model draws random numbers beside its dropout")
    separate = gradients(model, batch, OneByOne())
    if architecture in POSITIONS:
        with pytest.raises(NotByRowError):
            gradients(model, batch, AlwaysJoined())
        return
    for gradient, expected in zip(gradients(model, batch, AlwaysJoined()), separate, strict=True):
        torch.testing.assert_close(gradient, expected, atol=2e-6, rtol=1e-3)
