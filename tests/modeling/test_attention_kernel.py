"""Attention is fused unless its backward pass is slow, in every kind of pass."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from support.small_models import batch, bert
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.forward.plain import PlainForward
from uegr.forward.step_inputs import Step
from uegr.modeling.attention_kernel import SHORT_TEXT, faster_attention


class Recorder(nn.Module):
    """Attends over its input, and notes whether PyTorch may fuse that; autocast begins in its forward, as accelerate's
    does."""

    def __init__(self, bf16: bool) -> None:
        super().__init__()
        self.embedding, self.bf16 = nn.Embedding(9, 8), bf16
        self.fused = True

    def forward(self, **inputs: Tensor) -> Any:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            states = self.embedding(inputs["input_ids"])[:, None]
            attended = F.scaled_dot_product_attention(states, states, states)
        self.fused = "Flash" in type(attended.grad_fn).__name__
        self.logits = attended[:, 0, 0, :2].float()
        return self


@pytest.mark.parametrize(
    ("bf16", "tokens", "fused"), [(True, SHORT_TEXT, False), (True, SHORT_TEXT + 1, True), (False, SHORT_TEXT, True)]
)
def test_attention_is_fused_unless_its_backward_pass_is_slow(bf16: bool, tokens: int, fused: bool) -> None:
    inputs = {"input_ids": torch.zeros(1, tokens, dtype=torch.long), "labels": torch.zeros(1, dtype=torch.long)}
    evaluated, trained = Recorder(bf16), Recorder(bf16)
    EvaluatedModel(evaluated).logits(inputs)
    PlainForward()(trained, inputs, Step(torch.Generator()))
    assert evaluated.fused is trained.fused is fused
    with torch.no_grad():
        assert isinstance(faster_attention(evaluated), nullcontext), "the forward pass alone is fast"


def test_weights_in_bfloat16_count_as_well_as_autocast() -> None:
    model = Recorder(bf16=False).bfloat16()
    with faster_attention(model):
        model(input_ids=torch.zeros(1, 8, dtype=torch.long))
    assert not model.fused


def test_the_gradient_is_the_same_with_either_kernel() -> None:
    model = bert(dropout=0.0).bfloat16()
    gradients = []
    for kernel in (nullcontext(), faster_attention(model)):
        model.zero_grad()
        with kernel:
            model(**batch(tokens=7)).loss.backward()
        gradients.append(torch.cat([p.grad.flatten().float() for p in model.parameters() if p.grad is not None]))
    assert torch.nn.functional.cosine_similarity(*gradients, dim=0) > 0.999
