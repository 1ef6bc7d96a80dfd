"""The base of all forward stages: what it refuses before training."""

from __future__ import annotations

from typing import ClassVar

import pytest
from torch import nn

from uegr.errors import UsageError
from uegr.forward.forward_stage import ForwardStage, Loss
from uegr.forward.step_inputs import Batch, Step


class Unperturbed(ForwardStage):
    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        raise NotImplementedError


class Perturbed(Unperturbed):
    perturbs: ClassVar[bool] = True


def test_only_a_stage_that_perturbs_needs_token_embeddings() -> None:
    Unperturbed().attach(nn.Linear(2, 2))
    with pytest.raises(UsageError, match="get_input_embeddings"):
        Perturbed().attach(nn.Linear(2, 2))
