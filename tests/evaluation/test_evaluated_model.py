"""The model under evaluation runs each pass in the number format, and with the attention, that suit it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from uegr.evaluation.evaluated_model import SHORT_TEXT, EvaluatedModel


class Recorder(nn.Module):
    """Notes whether PyTorch may fuse attention while it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.fused = True
        self.logits = torch.ones(1, 2)

    def forward(self, **inputs: Tensor) -> Any:
        self.fused = torch.backends.cuda.flash_sdp_enabled()
        return self


@pytest.mark.parametrize(
    ("bf16", "tokens", "gradient", "fused"),
    [
        (True, 8, True, False),
        (True, 8, False, True),
        (True, SHORT_TEXT + 1, True, True),
        (False, 8, True, True),
    ],
)
def test_attention_is_fused_unless_its_backward_pass_is_slow(
    bf16: bool, tokens: int, gradient: bool, fused: bool
) -> None:
    """Fused attention is slow backward for short texts in bfloat16 on a CPU."""
    model = Recorder()
    with torch.set_grad_enabled(gradient):
        EvaluatedModel(model, bf16=bf16).logits({"input_ids": torch.zeros(1, tokens, dtype=torch.long)})
    assert model.fused is fused
    assert torch.backends.cuda.flash_sdp_enabled(), "the choice ends with the pass"
