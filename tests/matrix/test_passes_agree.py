"""The ways to run a step's passes agree on every architecture and kind of task."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parent))
from zoo import ARCHITECTURES, KINDS, SCRATCH, applies, make_batch, make_model, usual_kind

from uegr.errors import UsageError
from uegr.forward.forward_stage import Step
from uegr.forward.joined_passes import joinable
from uegr.forward.uegr import UEGRForward

APART = ["bilstm", "transformer"]
"""They hand their rate to a kernel or a function of PyTorch's."""


def gradients(model: nn.Module, batch: dict[str, Tensor], **options: object) -> list[Tensor]:
    model.zero_grad()
    step = Step(torch.Generator().manual_seed(3), 9, 10)
    UEGRForward(**options)(model, batch, step).value.backward()  # type: ignore[arg-type]
    return [one.grad.clone() for one in model.parameters() if one.grad is not None]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_one_batch_has_the_gradients_of_passes_one_after_another(architecture: str, kind: str) -> None:
    if reason := applies(architecture, kind):
        pytest.skip(reason)
    model, batch = make_model(architecture, kind).train(), make_batch(architecture, kind)
    if not joinable(model, batch, [0.1, 0.3]):
        assert architecture in APART
    joint, separate = (gradients(model, batch, batching=one) for one in ("joint", "separate"))
    for one, other in zip(joint, separate, strict=True):
        torch.testing.assert_close(one, other, atol=2e-6, rtol=1e-3)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_layers_are_shared_or_the_model_is_refused(architecture: str) -> None:
    kind = usual_kind(architecture)
    model, batch = make_model(architecture, kind).train(), make_batch(architecture, kind)
    alone = {"ALBERT", *SCRATCH} - {"transformer"}
    if architecture in alone:
        with pytest.raises(UsageError, match="shared_layers"):
            gradients(model, batch, shared_layers=0.5)
        return
    without = {"dropout": (0.0, 0.0), "passes": 2}
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    shared, whole = (
        gradients(model, batch, **without, **one) for one in ({"shared_layers": 0.5}, {"batching": "separate"})
    )
    for one, other in zip(shared, whole, strict=True):
        torch.testing.assert_close(one, other, atol=2e-6, rtol=1e-3)
