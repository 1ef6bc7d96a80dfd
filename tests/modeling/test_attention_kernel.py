"""Attention is fused unless its backward pass is slow, in every kind of pass."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from support.small_models import batch, bert
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.forward.forward_stage import Step
from uegr.forward.plain import PlainForward
from uegr.modeling.attention_kernel import SHORT_TEXT, faster_attention


class Recorder(nn.Module):
    """Notes whether PyTorch may fuse attention while it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, 2))
        self.fused = True

    def forward(self, **inputs: Tensor) -> Any:
        self.fused = torch.backends.cuda.flash_sdp_enabled()
        self.logits = self.weight.expand(len(inputs["input_ids"]), 2)
        return self


@pytest.mark.parametrize(
    ("bf16", "tokens", "gradient", "fused"),
    [
        (True, SHORT_TEXT, True, False),
        (True, SHORT_TEXT, False, True),
        (True, SHORT_TEXT + 1, True, True),
        (False, SHORT_TEXT, True, True),
    ],
)
def test_attention_is_fused_unless_its_backward_pass_is_slow(
    bf16: bool, tokens: int, gradient: bool, fused: bool
) -> None:
    inputs = {"input_ids": torch.zeros(1, tokens, dtype=torch.long), "labels": torch.zeros(1, dtype=torch.long)}
    evaluated, trained = Recorder(), Recorder()
    with torch.set_grad_enabled(gradient):
        EvaluatedModel(evaluated, bf16=bf16).logits(inputs)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            PlainForward()(trained, inputs, Step(torch.Generator()))
    assert evaluated.fused is trained.fused is fused
    assert torch.backends.cuda.flash_sdp_enabled(), "the choice ends with the pass"


def test_weights_in_bfloat16_count_as_well_as_autocast() -> None:
    with faster_attention(Recorder().bfloat16(), tokens=8):
        assert not torch.backends.cuda.flash_sdp_enabled()


def test_the_gradient_is_the_same_with_either_kernel() -> None:
    model = bert(dropout=0.0).bfloat16()
    gradients = []
    for kernel in (nullcontext(), faster_attention(model, tokens=7)):
        model.zero_grad()
        with kernel:
            model(**batch(tokens=7)).loss.backward()
        gradients.append(torch.cat([p.grad.flatten().float() for p in model.parameters() if p.grad is not None]))
    assert torch.nn.functional.cosine_similarity(*gradients, dim=0) > 0.999
