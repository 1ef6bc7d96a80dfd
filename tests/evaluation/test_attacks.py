"""Every attack on the embeddings, the same tests for all of them."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from torch import Tensor, nn

from uegr.errors import UsageError
from uegr.evaluation.attacks.auto_pgd import AutoPGD, checkpoints
from uegr.evaluation.attacks.embedding_attack import EmbeddingAttack, Queries
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.attacks.random_search import RandomSearch
from uegr.evaluation.attacks.transfer_attack import Transfer
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.masking_test import gradient_masking
from uegr.evaluation.robustness import robust_mask, robustness_curve
from uegr.modeling.embeddings import embedding_scale, perturbed, token_mask
from uegr.perturb.ball import Ball

EPSILONS = [0.0, 0.3, 0.5, 1.2]
NOISE = 2 / 48
CLASSES = [PGD, AutoPGD, RandomSearch, Transfer]


def build(attack: type[EmbeddingAttack], other: EvaluatedModel, **options: Any) -> EmbeddingAttack:
    return attack(**options, **({"source": other} if attack is Transfer else {}))  # type: ignore[call-arg]


@pytest.mark.parametrize("attack", CLASSES)
@pytest.mark.parametrize("norm", ["l2", "l2_token", "linf"])
def test_a_larger_ball_never_helps_the_defender(
    attack: type[EmbeddingAttack], norm: str, subject: EvaluatedModel, other_subject: EvaluatedModel, rows: Dataset
) -> None:
    one = build(attack, other_subject, norm=norm, steps=20 if attack is RandomSearch else 6)
    curve = robustness_curve(subject, rows, [*EPSILONS, 8.0], one)
    assert curve["attack"] == attack.name and curve["norm"] == norm
    assert curve["accuracy"] == sorted(curve["accuracy"], reverse=True)
    assert curve["accuracy"][0] > 0.9
    assert curve["accuracy"][-1] < curve["accuracy"][0]


@pytest.mark.parametrize("attack", [PGD, AutoPGD, RandomSearch])
def test_more_steps_never_help_the_defender_by_more_than_noise(
    attack: type[EmbeddingAttack], subject: EvaluatedModel, rows: Dataset
) -> None:
    weak, strong = (robust_mask(subject, rows, EPSILONS, attack(steps=steps)).mean(axis=1) for steps in (2, 16))
    assert (strong <= weak + NOISE).all()


def test_the_adaptive_step_is_no_weaker_than_the_fixed_one_and_both_beat_a_black_box(
    subject: EvaluatedModel, rows: Dataset
) -> None:
    fixed, adaptive, blind = (
        robust_mask(subject, rows, EPSILONS, one).mean(axis=1)
        for one in (PGD(steps=12), AutoPGD(steps=12), RandomSearch(steps=12))
    )
    assert (adaptive <= fixed + NOISE).all()
    assert (fixed <= blind + NOISE).all()
    assert fixed[1:-1].sum() < blind[1:-1].sum()


def test_every_perturbation_lies_in_its_ball_and_off_the_padding(
    subject: EvaluatedModel, other_subject: EvaluatedModel, rows: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Watched at the one place where perturbations reach a model."""
    seen: list[float] = []
    ball, scale = Ball("l2"), embedding_scale(subject.model)
    rows = rows.map(lambda row, i: {"text": row["text"] + " film" * (i % 5)}, with_indices=True)

    def watch(model: nn.Module, delta: Tensor) -> Any:
        batch = current["batch"]
        if model is subject.model and len(delta) == len(batch["labels"]):
            mask = token_mask(batch)
            assert not (delta.detach() * (1 - mask)).any()
            seen.append(float((ball.length(delta.detach()) / (0.3 * ball.unit(scale, mask))).max()))
        return perturbed(model, delta)

    current: dict[str, Any] = {}
    monkeypatch.setattr("uegr.evaluation.attacks.embedding_attack.perturbed", watch)
    for attack in CLASSES:
        for _, batch in subject.batches(rows):
            current["batch"] = batch
            break
        one = build(attack, other_subject, steps=4)
        robust_mask(subject, rows.select(range(16)), [0.3], one)
    assert seen and max(seen) < 1.0001


def test_checkpoints_come_ever_closer() -> None:
    """For 100 steps: those of the paper's formula, w_j = ceil(p_j * 100)."""
    assert sorted(checkpoints(100)) == [22, 41, 57, 70, 80, 87, 93, 99]


@pytest.mark.parametrize("loss", ["ce", "margin"])
def test_queries_are_counted(loss: str, subject: EvaluatedModel, rows: Dataset) -> None:
    """Nothing is fooled at a tiny radius: one clean pass, then a forward and a backward a point, 4 + 1 points."""
    queries = Queries()
    held = robust_mask(subject, rows, [0.0, 1e-9], AutoPGD(steps=4, restarts=1, loss=loss), queries=queries)  # type: ignore[arg-type]
    assert queries.count == 48 + int(held[0].sum()) * 2 * 5


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
    subject: EvaluatedModel, other_subject: EvaluatedModel, rows: Dataset
) -> None:
    masked = copy.copy(subject)
    masked.model = Rounded(subject.model)  # type: ignore[assignment]
    for victim, suspicious in ((subject, False), (masked, True)):
        white = robust_mask(victim, rows, EPSILONS, AutoPGD(steps=8))
        others = {
            "black_box": robust_mask(victim, rows, EPSILONS, RandomSearch(steps=40)),
            "transfer": robust_mask(victim, rows, EPSILONS, Transfer(source=subject if suspicious else other_subject)),
        }
        part = gradient_masking(EPSILONS, white, others, zero_gradient=0.0)
        assert part["flag"] is suspicious
        assert bool(part["reasons"]) is suspicious
    assert any("transfer" in reason for reason in part["reasons"])


def test_vanished_gradients_are_flagged() -> None:
    alive = np.ones((1, 10), dtype=bool)
    assert not gradient_masking([0.1], alive, {}, zero_gradient=0.01)["flag"]
    assert "exactly zero" in gradient_masking([0.1], alive, {}, zero_gradient=0.2)["reasons"][0]


def test_a_transfer_needs_a_source_that_fits(subject: EvaluatedModel, rows: Dataset) -> None:
    with pytest.raises(UsageError, match="--source"):
        robust_mask(subject, rows, [0.1], Transfer())
