"""Gradient masking is detected where it is, and only there."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor, nn

from uegr.evaluation.attacks.auto_pgd import AutoPGD
from uegr.evaluation.attacks.random_search import RandomSearch
from uegr.evaluation.attacks.transfer_attack import Transfer
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.misleading_gradients import gradient_masking
from uegr.evaluation.robustness import robust_mask

EPSILONS = [0.0, 0.3, 0.5, 1.2]


class Rounded(nn.Module):
    """A model that rounds its embeddings: as easy to fool as before, and no gradient says how."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner, self.config = inner, inner.config

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def get_input_embeddings(self) -> nn.Module:
        return self.inner.get_input_embeddings()

    def forward(self, **inputs: Tensor) -> SimpleNamespace:
        handle = self.inner.bert.embeddings.register_forward_hook(lambda _m, _i, out: (out / 0.05).round() * 0.05)
        try:
            return self.inner(**inputs)
        finally:
            handle.remove()


def test_a_model_that_hides_its_gradients_is_flagged_and_an_honest_one_is_not(
    evaluated: EvaluatedModel, other_evaluated: EvaluatedModel, rows: Dataset
) -> None:
    masked = copy.copy(evaluated)
    masked.model = Rounded(evaluated.model)  # type: ignore[assignment]
    for victim, suspicious in ((evaluated, False), (masked, True)):
        source = evaluated if suspicious else other_evaluated
        white = robust_mask(victim, rows, EPSILONS, AutoPGD(steps=8))
        others = {
            "random-search": robust_mask(victim, rows, EPSILONS, RandomSearch(steps=40)),
            "transfer": robust_mask(victim, rows, EPSILONS, Transfer(source=source)),
        }
        part = gradient_masking(EPSILONS, white, others, zero_gradient=0.0)
        assert part.keys() >= {"white_box", "black_box", "transfer"}
        assert part["flag"] is suspicious
        assert bool(part["reasons"]) is suspicious
    assert any("transfer" in reason for reason in part["reasons"])
    assert not any("black_box" in reason for reason in part["reasons"])


def test_vanished_gradients_are_flagged() -> None:
    alive = np.ones((1, 10), dtype=bool)
    assert not gradient_masking([0.1], alive, {}, zero_gradient=0.01)["flag"]
    assert "exactly zero" in gradient_masking([0.1], alive, {}, zero_gradient=0.2)["reasons"][0]
