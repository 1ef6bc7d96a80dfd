from __future__ import annotations

import hypothesis.strategies as st
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from torch import Tensor, nn

from conftest import Linear, batch, bert
from uegr.errors import UsageError
from uegr.modeling.embeddings import embedding_scale, input_embeddings, perturbed, token_mask
from uegr.perturb.ball import Ball, Norm
from uegr.perturb.projected_ascent import ProjectedAscent

NORMS: list[Norm] = ["l2", "l2_token", "linf"]


def loss_at(model: nn.Module, data: dict[str, Tensor], delta: Tensor) -> Tensor:
    with perturbed(model, delta):
        logits = model(input_ids=data["input_ids"], attention_mask=data["attention_mask"]).logits
    return F.cross_entropy(logits, data["labels"], reduction="none")


def gradient_at(model: nn.Module, data: dict[str, Tensor], delta: Tensor) -> Tensor:
    leaf = delta.detach().requires_grad_()
    return torch.autograd.grad(loss_at(model, data, leaf).sum(), leaf)[0]


def attack(model: nn.Module, data: dict[str, Tensor], norm: Norm, epsilon: float, steps: int = 1) -> Tensor:
    ball, mask = Ball(norm), token_mask(data)
    scale = embedding_scale(model)
    radius = epsilon * ball.unit(scale, mask)
    start = torch.zeros((*mask.shape[:2], scale.width))
    return ProjectedAscent(ball, steps).perturb(lambda at: gradient_at(model, data, at), radius, mask, start)


def test_linear_classifier_gets_the_optimal_perturbation() -> None:
    """For a linear two-class model the l2-optimal delta is epsilon * grad/|grad|: no random one does more harm."""
    model, data = Linear(), batch()
    ball, mask = Ball("l2", relative=False), token_mask(data)
    zero = torch.zeros(4, 7, 6)
    radius = 0.5 * torch.ones(4, 1, 1)
    delta = ProjectedAscent(ball).perturb(lambda at: gradient_at(model, data, at), radius, mask, zero)
    gradient = gradient_at(model, data, zero)
    expected = 0.5 * gradient / gradient.flatten(1).norm(dim=1)[:, None, None]
    torch.testing.assert_close(delta, expected)
    worst = loss_at(model, data, delta)
    generator = torch.Generator().manual_seed(1)
    for _ in range(100):
        other = ball.direction(torch.randn(delta.shape, generator=generator) * mask) * 0.5
        assert (loss_at(model, data, other) <= worst + 1e-6).all()


def test_linf_step_is_the_sign_of_the_gradient() -> None:
    model, data = Linear(), batch()
    delta = attack(model, data, "linf", 0.1)
    radius = 0.1 * embedding_scale(model).norm / 6**0.5
    torch.testing.assert_close(delta, radius * gradient_at(model, data, torch.zeros_like(delta)).sign())


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("steps", [1, 3])
def test_attack_raises_the_loss_stays_in_the_ball_and_off_the_padding(norm: Norm, steps: int) -> None:
    model, data = bert(dropout=0.0).eval(), batch(8)
    delta = attack(model, data, norm, 0.05, steps)
    ball, mask = Ball(norm), token_mask(data)
    radius = 0.05 * ball.unit(embedding_scale(model), mask)
    assert (ball.length(delta) <= radius * (1 + 1e-5)).all()
    assert (delta * (1 - mask) == 0).all()
    assert loss_at(model, data, delta).mean() > loss_at(model, data, torch.zeros_like(delta)).mean()


@pytest.mark.parametrize("norm", NORMS)
def test_delta_of_an_example_does_not_depend_on_its_batch(norm: Norm) -> None:
    model, data = bert(dropout=0.0).eval(), batch(5)
    together = attack(model, data, norm, 0.05)
    for i in range(5):
        alone = attack(model, {key: value[i : i + 1] for key, value in data.items()}, norm, 0.05)
        torch.testing.assert_close(together[i : i + 1], alone, atol=1e-5, rtol=1e-3)


@given(st.sampled_from(NORMS), st.integers(0, 99), st.floats(0.01, 10), st.floats(0.01, 3))
def test_projection_lands_in_the_ball_and_leaves_its_points_alone(
    norm: Norm, seed: int, size: float, radius: float
) -> None:
    ball = Ball(norm)
    delta = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(seed)) * size
    bound = torch.full((3, 1, 1), radius)
    inside = ball.project(delta, bound)
    assert (ball.length(inside) <= bound * (1 + 1e-5)).all()
    torch.testing.assert_close(ball.project(inside, bound), inside)


@given(st.sampled_from(NORMS), st.integers(0, 99))
def test_random_start_lies_in_the_ball_and_is_reproducible(norm: Norm, seed: int) -> None:
    ball, mask, radius = Ball(norm), token_mask(batch()), torch.full((4, 1, 1), 0.3)
    draws = [
        ball.random_point(torch.Size((4, 7, 5)), radius, mask, torch.Generator().manual_seed(seed)) for _ in range(2)
    ]
    assert (ball.length(draws[0]) <= 0.3 * (1 + 1e-5)).all()
    assert (draws[0] * (1 - mask) == 0).all()
    assert torch.equal(*draws)


def test_relative_radius_follows_the_embedding_norm_and_the_tokens() -> None:
    model, mask = Linear(), token_mask(batch())
    before = Ball("l2").unit(embedding_scale(model), mask)
    with torch.no_grad():
        input_embeddings(model).weight.mul_(2)
    torch.testing.assert_close(Ball("l2").unit(embedding_scale(model), mask), 2 * before)
    tokens = mask.sum(dim=1, keepdim=True)
    torch.testing.assert_close(before / before[0], (tokens / tokens[0]).sqrt())
    assert (Ball("l2", relative=False).unit(embedding_scale(model), mask) == 1).all()


def test_padding_row_does_not_count_in_the_embedding_norm() -> None:
    model = Linear()
    expected = model.embedding.weight[1:].detach().norm(dim=-1).mean()
    assert embedding_scale(model).norm == pytest.approx(float(expected))


def test_zero_gradient_leaves_delta_finite() -> None:
    ball, zero = Ball("l2"), torch.zeros(2, 3, 4)
    moved = ball.ascend(zero, zero, torch.ones(2, 1, 1), torch.ones(2, 1, 1), torch.ones(2, 3, 1))
    assert torch.equal(moved, zero)


@pytest.mark.parametrize(
    "make", [lambda: ProjectedAscent(Ball(), steps=0), lambda: ProjectedAscent(Ball(), step_size=0.0)]
)
def test_senseless_settings_are_refused(make: object) -> None:
    with pytest.raises(UsageError):
        make()  # type: ignore[operator]
    with pytest.raises(UsageError, match="unknown norm"):
        Ball("l3")  # type: ignore[arg-type]
